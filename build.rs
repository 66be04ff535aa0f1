//! Tells cargo that new migrations change the program: they are read by a macro that it cannot see through.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
