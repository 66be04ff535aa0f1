# Short names for the commands that are used every day; `scripts/test` is the whole of it.

# Lists the recipes.
default:
    @just --list

# Everything that CI runs.
test:
    ./scripts/test

# The tests alone, or those whose name contains the argument.
unit *filter:
    cargo test --lib --bins --tests --all-features --locked -- {{filter}}

# Lets the bot work for so many minutes while everything fails, and counts what was lost or doubled.
soak minutes="10":
    ./scripts/soak {{minutes}}

# Kills it so many times while people write to it, and nothing else.
kills times="200":
    ./scripts/soak --kills {{times}}

# Formats all Rust files.
fmt:
    cargo fmt

# Lints as CI does.
lint:
    cargo clippy --all-targets --all-features --locked -- -D warnings

# The API documentation, with warnings as errors.
doc:
    RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --locked

# Licences, bans and sources of the dependencies (needs cargo-deny).
deny:
    cargo deny check licenses bans sources

# The assistant in this terminal: no account, no key, no config.
console:
    cargo run --release -- console

# The container's image.
image:
    docker build -t minibot .

# Builds the image for real and runs it between fakes.
docker-check *arguments:
    ./scripts/docker-check {{arguments}}

# Measures the program as it ships and writes docs/benchmarks.md; best on a machine that does nothing else.
bench *arguments:
    cargo bench --profile dist --bench figures --locked -- {{arguments}}

# Records a session of the console and draws it as docs/console.svg (needs tmux).
capture:
    cargo build --release --locked
    ./scripts/capture
