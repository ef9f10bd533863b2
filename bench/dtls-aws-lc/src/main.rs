//! As `dtls`, with aws-lc-rs in place of ring in our crate and in the floor.

#[path = "../../dtls/src/main.rs"]
mod dtls;

fn main() {
    dtls::main();
}
