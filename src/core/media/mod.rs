//! What comes with a message beside its words: the attachments, the limits on them, the files behind
//! them, and what of them a model is given.

mod artifact;
mod attachment;
mod limits;
mod part;
mod ports;
mod received;
mod types;

pub use self::artifact::{Artifact, ArtifactKind};
pub use self::attachment::{Attachment, AttachmentKind, FileVersion};
pub use self::limits::{MediaLimits, MediaSwitch, Verdict};
pub use self::part::{Attached, Part, Place, document};
pub use self::ports::{
    Blob, Download, Excerpt, FileReader, InMemory, Listened, MediaError, MediaSource, Readable,
    Recording, Scratch, ScratchFile, Transcriber, Wanted,
};
pub use self::received::{
    FileOrigin, FileOutcome, NotKept, ReceivedFile, Refusal, Term, remarks_for_person,
};
