//! `fleetdeck completions SHELL` and `fleetdeck man [VERB]`.

use clap::{CommandFactory as _, builder::Resettable};
use clap_complete::Shell;

use super::{args::Args, failure::Failure, print};

pub(super) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "fleetdeck", &mut script);
    print::bytes(&script)
}

/// The page of a verb lies beside the program's as `fleetdeck-VERB.1`: so the program's refers to it.
pub(super) fn man(verb: Option<&str>) -> Result<(), Failure> {
    // A page holds for every build of a version.
    let mut program = Args::command().long_version(Resettable::Reset);
    // Gives each verb its whole name and the flags that hold for all.
    program.build();
    let of = match verb {
        None => program,
        Some(name) => {
            let known = || program.get_subcommands().map(clap::Command::get_name).collect::<Vec<_>>().join(", ");
            let found = program.find_subcommand(name).cloned();
            found.ok_or_else(|| Failure::Usage(format!("no verb {name:?}; there are {}", known())))?
        }
    };
    let mut page = Vec::new();
    let render = clap_mangen::Man::new(of).render(&mut page);
    render.map_err(|e| Failure::Failed(format!("the manual page: {e}")))?;
    print::bytes(&page)
}
