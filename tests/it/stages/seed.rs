//! seed-app: which app the volume holds after which history of images.

use std::fs;
use std::os::unix::fs::symlink;

use super::{Bench, Shell, under_both_shells};

under_both_shells!(
    first_boot,
    second_boot_writes_nothing,
    a_new_image_is_seeded_beside_the_old_one,
    the_old_one_goes_once_the_new_one_was_ready,
    the_way_back_needs_no_copy,
    releases_that_were_never_ready_do_not_pile_up,
    the_same_version_with_other_content_is_another_release,
    an_older_layout_is_left_alone,
    a_lost_release_is_seeded_again,
    what_is_not_an_app_is_refused,
);

pub(crate) fn current(bench: &Bench) -> String {
    let link = fs::read_link(bench.at("app/current")).unwrap();
    link.strip_prefix("releases").unwrap().to_str().unwrap().to_owned()
}

#[track_caller]
pub(crate) fn runs_the_image(bench: &Bench) {
    assert_eq!(bench.app("image"), bench.app(&format!("app/releases/{}", current(bench))));
}

fn mark_ready(bench: &Bench) {
    bench.write("config/.stages/ready", &format!("{}\n", current(bench)));
}

fn first_boot(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.run("seed-app").done();
    runs_the_image(&bench);
    assert!(current(&bench).starts_with("2026.8.2-"));
    assert_eq!(bench.list("app/releases"), [current(&bench)]);
    // Where others look for it.
    assert_eq!(bench.read("app/dist/index.js"), "// 2026.8.2\n");
    assert!(bench.read("app/package.json").contains("2026.8.2"));
}

fn second_boot_writes_nothing(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.run("seed-app").done();
    let before = bench.snapshot("app");
    let run = bench.run("seed-app").done();
    assert!(run.out.contains("already"), "{run:?}");
    assert_eq!(before, bench.snapshot("app"));
}

fn a_new_image_is_seeded_beside_the_old_one(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.run("seed-app").done();
    let old = current(&bench);
    bench.write("app/mine.txt", "a tenant's file");
    bench.image("2026.9.1");
    bench.run("seed-app").done();
    runs_the_image(&bench);
    assert_eq!(bench.list("app/releases"), [old.clone(), current(&bench)]);
    assert_eq!(bench.read("app/mine.txt"), "a tenant's file");
    // Restarted before it was ready: the old one stays.
    bench.run("seed-app").done();
    assert_eq!(bench.list("app/releases"), [old, current(&bench)]);
}

fn the_old_one_goes_once_the_new_one_was_ready(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.run("seed-app").done();
    mark_ready(&bench);
    bench.image("2026.9.1");
    bench.run("seed-app").done();
    bench.run("seed-app").done();
    assert_eq!(bench.list("app/releases").len(), 2, "ready is still the old one");
    mark_ready(&bench);
    bench.run("seed-app").done();
    assert_eq!(bench.list("app/releases"), [current(&bench)]);
    runs_the_image(&bench);
}

fn the_way_back_needs_no_copy(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.run("seed-app").done();
    let old = current(&bench);
    bench.image("2026.9.1");
    bench.run("seed-app").done();
    bench.image("2026.8.2");
    bench.shim("cp", "echo 'cp: No space left on device' >&2; exit 1");
    bench.run("seed-app").done();
    assert_eq!(current(&bench), old);
    runs_the_image(&bench);
}

fn releases_that_were_never_ready_do_not_pile_up(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.run("seed-app").done();
    mark_ready(&bench);
    let good = current(&bench);
    for version in ["2026.9.1", "2026.9.2", "2026.9.3", "2026.9.4"] {
        bench.image(version);
        bench.run("seed-app").done();
    }
    let kept = bench.list("app/releases");
    assert!(kept.len() == 3 && kept.contains(&good), "the last ready one, the one before and this: {kept:?}");
    runs_the_image(&bench);
}

fn the_same_version_with_other_content_is_another_release(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.run("seed-app").done();
    let old = current(&bench);
    // Same length, same time.
    let path = bench.at("image/dist/index.js");
    let when = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "// 2026.8.X\n").unwrap();
    fs::File::options().append(true).open(&path).unwrap().set_modified(when).unwrap();
    bench.run("seed-app").done();
    assert_ne!(current(&bench), old);
    assert!(current(&bench).starts_with("2026.8.2-"));
    runs_the_image(&bench);
}

fn an_older_layout_is_left_alone(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.write("app/package.json", "{\"version\": \"2025.1.1\"}");
    bench.write("app/dist/index.js", "old");
    bench.run("seed-app").done();
    runs_the_image(&bench);
    assert_eq!(bench.read("app/dist/index.js"), "old");
    assert_eq!(bench.read("app/package.json"), "{\"version\": \"2025.1.1\"}");
}

fn a_lost_release_is_seeded_again(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    symlink("releases/gone", bench.at("app/current")).unwrap();
    bench.run("seed-app").warned("gone").done();
    runs_the_image(&bench);
}

fn what_is_not_an_app_is_refused(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.write("app/current/x", "x");
    bench.run("seed-app").failed(65, "not a link");
    assert_eq!(bench.read("app/current/x"), "x");
    fs::remove_dir_all(bench.at("app/current")).unwrap();

    fs::remove_dir_all(bench.at("image/dist")).unwrap();
    bench.run("seed-app").failed(65, "no OpenClaw");
    fs::remove_dir_all(bench.at("app")).unwrap();
    bench.image("2026.8.2");
    bench.run("seed-app").failed(78, "no app volume");
}
