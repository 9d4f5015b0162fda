//! The binary: hands the command line to the library.
//! It must not hold logic of its own.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    presign_gate::cli::main()
}
