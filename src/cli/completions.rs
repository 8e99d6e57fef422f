//! `fleetdeck completions SHELL` and `fleetdeck man`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{args::Args, failure::Failure, print::Out};

pub(super) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "fleetdeck", &mut script);
    print(&script)
}

pub(super) fn man() -> Result<(), Failure> {
    let mut page = Vec::new();
    let render = clap_mangen::Man::new(Args::command()).render(&mut page);
    render.map_err(|e| Failure::Failed(format!("the manual page: {e}")))?;
    print(&page)
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = Out::new();
    out.bytes(bytes)?;
    out.flush()
}
