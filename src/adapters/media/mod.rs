//! Files of strangers on this machine: room for them, and what can be read of them. It knows the ports of
//! `core`, and nothing of where the files come from or go.

mod kind;
mod pdf;
mod picture;
mod reader;
mod scratch;
mod text;

pub use pdf::{COMMAND as READ_PDF, PdfLimits, PdfReader, read_pdf};
pub use reader::LocalFileReader;
pub use scratch::ScratchFolder;
