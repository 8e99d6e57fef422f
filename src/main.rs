//! Arguments -> front-end -> exit code.

fn main() -> std::process::ExitCode {
    fleetdeck::cli::main()
}
