//! The README's pictures: what the console shows of the demo, on a clock in hand and by a fixed seed, so that the same
//! program draws the same bytes. `UPDATE_GOLDEN=1 cargo test --lib pictures` draws them anew.

use std::{fs, path::Path, time::Duration};

use tokio::sync::mpsc;

use super::{Demo, play};
use crate::{
    cli::{args, console},
    cluster::Scope,
    config::Config,
    engine::Desk,
    manifest::{Base, Defaults},
    tui::{Unseen, picture::svg},
};

/// When the console is opened: 3 a.m., on call.
const OPENED: &str = "2026-09-03T03:04:00Z";
const SIZE: (u16, u16) = (120, 30);
const ENOUGH: usize = 60 * 1024;

/// File, title, theme.
type Picture = (&'static str, &'static str, &'static str);

/// What is typed, how many seconds are looked on after it, and what is drawn then.
const SIGHTS: [(&str, u64, &[Picture]); 6] = [
    (
        "",
        2,
        &[
            ("fleet", "The fleet: who is broken, why, and how far each boot has come", "dark"),
            ("fleet-light", "The fleet, in the light theme", "light"),
        ],
    ),
    ("/oskar\r\r", 6, &[("tenant", "A tenant that boots: each stage beside what it usually takes", "dark")]),
    ("b", 3, &[("boots", "Where the time of the fleet's boots goes", "dark")]),
    (
        "f",
        4,
        &[
            ("findings", "What is wrong in the fleet, by cause", "dark"),
            ("findings-light", "What is wrong in the fleet, in the light theme", "light"),
        ],
    ),
    ("/petra\rl", 6, &[("logs", "A tenant's logs, through stages, restarts and new pods", "dark")]),
    ("/phase:ready tier:pro\rMry\u{1b}R\r", 60, &[("run", "A run, wave by wave", "dark")]),
];

async fn console() -> (Demo, Unseen) {
    let fleet = args::Fleet { scenario: "default".to_owned(), tenants: None, speed: 1.0, seed: 1 };
    let demo = play(&fleet, OPENED.parse().unwrap()).await.map_err(|e| e.failure().to_string()).unwrap();
    let banner = Some("simulation: default is played inside this program; no cluster is touched".to_owned());
    let (end, _) = mpsc::channel(1);
    let cluster = demo.cluster.clone();
    let session = console::session(&Config::default(), &cluster, Scope::default(), None, banner, end);
    let mut session = session.map_err(|e| e.to_string()).unwrap();
    // Whoever runs the test is nobody's business.
    let base = Base::embedded().unwrap();
    session.feed.desk = Desk::new(cluster, Scope::default(), base, Defaults::default(), "ana@oncall".to_owned(), false);
    (demo, Unseen::new(session, SIZE))
}

/// On a thread of its own: the clock and the dice are the thread's.
fn draw(keys: &str, seconds: u64, pictures: &[Picture]) -> Vec<(&'static str, String)> {
    fastrand::seed(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::pause();
        let (_demo, mut console) = console().await;
        console.watch(Duration::from_secs(5)).await;
        console.press(keys).await;
        console.watch(Duration::from_secs(seconds)).await;
        let each = pictures.iter();
        each.map(|(name, title, theme)| (*name, svg(&console.frame(theme), title, *theme == "light"))).collect()
    })
}

#[test]
fn the_readme_s_pictures_are_what_the_console_draws() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/pictures");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let drawn: Vec<(&str, String)> = std::thread::scope(|scope| {
        let each = SIGHTS.map(|(keys, seconds, pictures)| scope.spawn(move || draw(keys, seconds, pictures)));
        each.into_iter().flat_map(|drawing| drawing.join().unwrap()).collect()
    });
    let mut old = Vec::new();
    for (name, svg) in drawn {
        assert!(svg.len() <= ENOUGH, "{name}: {} bytes", svg.len());
        let path = folder.join(format!("{name}.svg"));
        if fs::read_to_string(&path).is_ok_and(|known| known == svg) {
            continue;
        }
        if update {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, svg).unwrap();
        } else {
            fs::write(std::env::temp_dir().join(format!("fleetdeck-{name}.svg")), svg).unwrap();
            old.push(name);
        }
    }
    assert!(old.is_empty(), "{old:?} are no longer what the console draws: UPDATE_GOLDEN=1 cargo test --lib pictures");
}
