//! What goes wrong around the program, with the program itself: nothing is lost, nothing comes twice, and one line says
//! what to do.

mod limits;
mod network;
mod start;
mod store;
