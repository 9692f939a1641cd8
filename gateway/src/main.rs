//! The binary `terrace`.

fn main() -> std::process::ExitCode {
    terrace::cli::main()
}
