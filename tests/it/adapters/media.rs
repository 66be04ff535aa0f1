//! What is read of files that strangers made, hostile ones included.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use image::codecs::gif::GifEncoder;
use image::{
    DynamicImage, Frame, GenericImageView, ImageFormat, ImageReader, Rgb, RgbImage, RgbaImage,
};
use minibot::adapters::media::{LocalFileReader, PdfLimits, PdfReader, ScratchFolder};
use minibot::core::media::{
    Blob, Excerpt, FileReader, InMemory, MediaError, Readable, Scratch, Wanted,
};

use crate::support::machine::SmallDisk;
use crate::support::pictures::{black, crc32, packed, pdf, picture};

const TEXT: Wanted = Wanted {
    most_bytes: 1_000,
    pdf_text: true,
};

struct World {
    reader: LocalFileReader,
    scratch: Arc<dyn Scratch>,
    _folder: tempfile::TempDir,
}

fn world(limits: PdfLimits) -> World {
    let folder = tempfile::tempdir().unwrap();
    let scratch: Arc<dyn Scratch> = Arc::new(ScratchFolder::new(folder.path().to_owned()));
    let program = env!("CARGO_BIN_EXE_minibot").into();
    let pdfs = PdfReader::by(program, limits);
    World {
        reader: LocalFileReader::new(scratch.clone(), pdfs),
        scratch,
        _folder: folder,
    }
}

impl World {
    async fn read(&self, bytes: &[u8]) -> Result<Readable, String> {
        let content = InMemory::holding(bytes.to_vec());
        let readable = self.reader.read(&content, TEXT).await;
        readable.map_err(|error| match error {
            MediaError::Unreadable(why) => why,
            other => panic!("{other:?}"),
        })
    }

    async fn picture(&self, bytes: &[u8]) -> (&'static str, Vec<u8>) {
        match self.read(bytes).await.unwrap() {
            Readable::Picture { mime, content } => (mime, whole(&content).await),
            other => panic!("{other:?}"),
        }
    }

    async fn pdf(&self, bytes: &[u8]) -> Result<String, String> {
        let excerpt = self.excerpt(bytes).await?;
        assert!(!excerpt.is_cut);
        Ok(excerpt.text)
    }

    /// Of a PDF.
    async fn excerpt(&self, bytes: &[u8]) -> Result<Excerpt, String> {
        match self.read(bytes).await.unwrap() {
            Readable::Pdf { text } => text.unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

async fn whole(content: &Arc<dyn Blob>) -> Vec<u8> {
    let size = usize::try_from(content.size()).unwrap();
    content.read_at(0, size).await.unwrap()
}

fn size_of(bytes: &[u8]) -> (u32, u32) {
    let reader = ImageReader::new(Cursor::new(bytes));
    let picture = reader.with_guessed_format().unwrap().decode().unwrap();
    picture.dimensions()
}

/// A picture that does not pack into a few bytes.
fn made(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let pixel = |x: u32, y: u32| {
        let mixed = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) >> 7;
        Rgb([mixed as u8, (mixed >> 8) as u8, (mixed >> 16) as u8])
    };
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, pixel))
        .write_to(&mut bytes, format)
        .unwrap();
    bytes.into_inner()
}

fn animation(frames: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for _ in 0..frames {
        encoder
            .encode_frame(Frame::new(RgbaImage::new(20, 10)))
            .unwrap();
    }
    drop(encoder);
    bytes
}

#[tokio::test]
async fn pictures_are_left_as_they_are_until_they_are_too_large() {
    let world = world(PdfLimits::default());
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let small = picture(2_048, 40, format);
        assert_eq!(world.picture(&small).await.1, small, "{format:?}");
        let (mime, made) = world.picture(&picture(3_000, 60, format)).await;
        assert_eq!(size_of(&made), (2_048, 41), "{format:?} {mime}");
    }
    let still = animation(1);
    assert_eq!(world.picture(&still).await, ("image/gif", still.clone()));
    let (mime, first) = world.picture(&animation(3)).await;
    assert_eq!((mime, size_of(&first)), ("image/png", (20, 10)));
}

/// A PNG whose header claims this size, with nothing behind it.
fn claiming(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = picture(1, 1, ImageFormat::Png);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

/// Gives a PNG this many bits for each sample, and this kind of colour.
fn recoded(bytes: &mut [u8], depth_and_colour: &[u8; 2]) {
    bytes[24..26].copy_from_slice(depth_and_colour);
    let checksum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
}

#[tokio::test]
async fn narrow_pictures_are_made_smaller_or_refused() {
    let world = world(PdfLimits::default());
    for (width, height) in [(50_000_000, 1), (1, 50_000_000), (65_536, 1)] {
        let why = world.read(&black(width, height)).await.unwrap_err();
        let line = format!("it has {width} × {height} pixels, and a side may have 65535");
        assert_eq!(why, line);
    }
    for (width, height, made) in [
        (65_535, 1, (2_048, 1)),
        (9, 30_000, (1, 2_048)),
        (4_097, 4_000, (2_048, 2_000)),
    ] {
        let (_, bytes) = world.picture(&black(width, height)).await;
        assert_eq!(size_of(&bytes), made);
    }
}

#[tokio::test]
async fn bombs_and_broken_pictures_are_refused() {
    let world = world(PdfLimits::default());
    let why = world.read(&claiming(100_000, 100_000)).await.unwrap_err();
    assert_eq!(
        why,
        "it has 100000 × 100000 pixels, and the limit is 50 million"
    );
    let why = world.read(&claiming(u32::MAX, u32::MAX)).await.unwrap_err();
    assert_eq!(why, "the picture is damaged", "no PNG is so wide");
    let mut deep = claiming(7_000, 7_000);
    recoded(&mut deep, &[16, 6]);
    let why = world.read(&deep).await.unwrap_err();
    assert_eq!(why, "it takes too much memory to be made smaller");
    // Within the limit of pixels, and nothing behind the claim.
    let why = world.read(&claiming(7_000, 7_000)).await.unwrap_err();
    assert_eq!(why, "the picture is damaged");
    for format in FORMATS {
        for (width, height) in [(3_000, 30), (60, 40)] {
            let bytes = made(width, height, format);
            assert!(world.read(&bytes).await.is_ok(), "{format:?} {width}");
            for cut in [20, 40, bytes.len() / 2, bytes.len() / 4 * 3] {
                let why = world.read(&bytes[..cut]).await.unwrap_err();
                assert_eq!(why, "the picture is damaged", "{format:?} {width} {cut}");
            }
        }
    }
}

#[tokio::test]
async fn a_small_picture_with_something_else_inside_is_refused() {
    let world = world(PdfLimits::default());
    let mut bytes = made(60, 40, ImageFormat::Png);
    let middle = bytes.len() / 2;
    bytes[middle..middle + 30].fill(0xa5);
    let why = world.read(&bytes).await.unwrap_err();
    assert_eq!(why, "the picture is damaged");
}

const FORMATS: [ImageFormat; 4] = [
    ImageFormat::Png,
    ImageFormat::Jpeg,
    ImageFormat::WebP,
    ImageFormat::Gif,
];

#[tokio::test]
async fn words_are_read_whatever_the_file_is_called() {
    let world = world(PdfLimits::default());
    let cases: [(&[u8], Option<&str>); 4] = [
        (b"a,b\n1,2\n", Some("a,b\n1,2\n")),
        (
            b"<html><body>hi</body></html>",
            Some("<html><body>hi</body></html>"),
        ),
        (b"\x7fELF\x02\x01\x01\x00\x00\x00", None),
        (b"PK\x03\x04\x00\x00\x00\x00", None),
    ];
    for (bytes, expected) in cases {
        let read = world.read(bytes).await;
        match (read, expected) {
            (Ok(Readable::Text(excerpt)), Some(expected)) => {
                assert_eq!((excerpt.text.as_str(), excerpt.is_cut), (expected, false));
            }
            (Err(why), None) => assert!(why.starts_with("I cannot read files"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_long_text_is_cut_by_its_bytes_in_every_encoding() {
    let world = world(PdfLimits::default());
    let ascii = "word ".repeat(100_000);
    let chinese = "語言 ".repeat(100_000);
    let sixteen = |text: &str| -> Vec<u8> {
        let bytes = text.encode_utf16().flat_map(u16::to_le_bytes);
        [0xff, 0xfe].into_iter().chain(bytes).collect()
    };
    let latin: Vec<u8> = "ü "
        .repeat(100_000)
        .chars()
        .map(|c| c as u32 as u8)
        .collect();
    for (bytes, expected) in [
        (ascii.as_bytes().to_vec(), &ascii[..1_000]),
        (sixteen(&ascii), &ascii[..1_000]),
        // A character of three bytes does not go in half.
        (chinese.as_bytes().to_vec(), &chinese[..1_000]),
        (sixteen(&chinese), &chinese[..1_000]),
        (latin, &"ü ".repeat(400)[..999]),
    ] {
        let Ok(Readable::Text(excerpt)) = world.read(&bytes).await else {
            panic!("words are words");
        };
        assert!(
            excerpt.is_cut && excerpt.text.len() > 990,
            "{}",
            excerpt.text.len()
        );
        assert!(excerpt.text.len() <= 1_000);
        assert!(expected.starts_with(&excerpt.text) || excerpt.text.starts_with(expected));
    }
    // Of a long one not all is read, and what is read may be just what there is room for.
    let wanted = Wanted {
        most_bytes: 10_000,
        ..TEXT
    };
    let content = InMemory::holding(sixteen(&ascii));
    let Ok(Readable::Text(excerpt)) = world.reader.read(&content, wanted).await else {
        panic!("words are words");
    };
    assert!(excerpt.is_cut && excerpt.text.len() <= 10_000);
    let just = "x".repeat(1_000);
    let Ok(Readable::Text(excerpt)) = world.read(just.as_bytes()).await else {
        panic!("words are words");
    };
    assert_eq!((excerpt.text, excerpt.is_cut), (just, false));
}

#[tokio::test]
async fn the_text_of_a_long_pdf_is_cut_and_says_so() {
    let world = world(PdfLimits::default());
    for words in ["word ".repeat(300), "word ".repeat(30_000)] {
        let excerpt = world.excerpt(&pdf(&words)).await.unwrap();
        assert!(excerpt.is_cut && excerpt.text.len() <= 1_000);
        assert!(
            excerpt.text.trim().starts_with("word word"),
            "{}",
            excerpt.text
        );
    }
}

#[tokio::test]
async fn the_text_of_a_pdf_is_read() {
    let world = world(PdfLimits::default());
    let text = world.pdf(&pdf("The answer is 42.")).await.unwrap();
    assert_eq!(text.trim(), "The answer is 42.");
    let why = world.pdf(&pdf("")).await.unwrap_err();
    assert_eq!(why, "it has no text; it may be made of pictures");
    for broken in [
        b"%PDF-1.7 and nothing else".to_vec(),
        pdf("x")[..200].to_vec(),
    ] {
        let why = world.pdf(&broken).await.unwrap_err();
        assert_eq!(why, "the PDF is damaged, protected, or too intricate");
    }
}

/// A PDF whose page is two gigabytes of blanks, packed into some megabytes.
fn bomb() -> Vec<u8> {
    let packed = packed(b' ', 2 << 30);
    let plain = String::from_utf8(pdf("@")).unwrap();
    let start = plain.find("4 0 obj").unwrap();
    let end = plain[start..].find("endobj").unwrap() + start;
    let head = format!(
        "4 0 obj\n<< /Filter /FlateDecode /Length {} >>\nstream\n",
        packed.len()
    );
    [
        &plain.as_bytes()[..start],
        head.as_bytes(),
        &packed,
        b"\nendstream\n",
        &plain.as_bytes()[end..],
    ]
    .concat()
}

#[tokio::test]
async fn a_pdf_that_takes_too_much_ends_only_its_reader() {
    let world = world(PdfLimits {
        // Its memory is what ends it, also on a machine that is busy.
        time: Duration::from_secs(600),
        ..PdfLimits::default()
    });
    let why = world.pdf(&bomb()).await.unwrap_err();
    assert_eq!(why, "the PDF is damaged, protected, or too intricate");
    let text = world.pdf(&pdf("Still here.")).await.unwrap();
    assert_eq!(text.trim(), "Still here.");
    let impatient = self::world(PdfLimits {
        time: Duration::ZERO,
        ..PdfLimits::default()
    });
    let why = impatient.pdf(&pdf("x")).await.unwrap_err();
    assert_eq!(why, "reading it takes too long");
}

#[tokio::test]
async fn temporary_files_have_no_name() {
    let world = world(PdfLimits::default());
    let mut file = world.scratch.create().await.unwrap();
    file.append(b"one ").await.unwrap();
    file.append(b"two").await.unwrap();
    let content = file.seal().await.unwrap();
    assert_eq!(whole(&content).await, b"one two");
    assert_eq!(content.read_at(4, 99).await.unwrap(), b"two");
    assert_eq!(content.read_at(7, 1).await.unwrap(), b"");
    let left = std::fs::read_dir(world._folder.path()).unwrap().count();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn why_a_temporary_file_cannot_be_written_is_told_apart() {
    let Some(disk) = SmallDisk::mount(64) else {
        return;
    };
    let scratch = ScratchFolder::new(disk.path().to_owned());
    let mut file = scratch.create().await.unwrap();
    let full = file.append(&vec![0; 100_000]).await.unwrap_err();
    assert!(matches!(full, MediaError::NoRoom(_)), "{full:?}");
    drop(file);
    disk.make_read_only();
    let refused = scratch.create().await.err().unwrap();
    assert!(matches!(refused, MediaError::NotAllowed(_)), "{refused:?}");
    disk.make_writable();
    let gone = ScratchFolder::new(disk.path().join("gone"));
    let failed = gone.create().await.err().unwrap();
    assert!(matches!(failed, MediaError::Failed(_)), "{failed:?}");
}
