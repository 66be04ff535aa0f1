//! Pictures: as they are where models take them so, otherwise smaller, or still.

use std::io::Cursor;

use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPDecoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{AnimationDecoder, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::kind::PictureType;

/// Models scale down what is larger; nothing is gained by sending it.
const LONGEST_SIDE: u32 = 2_048;

/// A picture that claims more is a bomb, or a map.
const MOST_PIXELS: u64 = 50_000_000;

/// A GIF is decoded into a frame and drawn from there onto its canvas: both take their memory.
const MOST_GIF_PIXELS: u64 = MOST_PIXELS / 2;

/// No photo and no panorama is longer: it is what a JPEG can have.
const LONGEST_TAKEN: u32 = 65_535;

/// What decoding may allocate, in bytes: so many pixels of four bytes.
const MOST_MEMORY: u64 = 4 * MOST_PIXELS;

/// A JPEG may draw over itself again and again, each time at the cost of all its pixels; so many are drawn
/// at most. The largest gets twice as many scans as encoders make.
const MOST_DRAWN: u64 = 20 * MOST_PIXELS;

const JPEG_QUALITY: u8 = 85;

/// A picture as models take it.
#[derive(Debug)]
pub(super) enum Made {
    /// The file itself.
    AsItIs,
    /// Another file.
    Another { mime: &'static str, bytes: Vec<u8> },
}

/// Reads a picture. The error is for a person.
pub(super) fn read(bytes: &[u8], kind: PictureType) -> Result<Made, String> {
    let (width, height) = reader(bytes, kind)
        .into_dimensions()
        .map_err(|_| broken())?;
    let most = if kind == PictureType::Gif {
        MOST_GIF_PIXELS
    } else {
        MOST_PIXELS
    };
    if u64::from(width) * u64::from(height) > most {
        let most = most / 1_000_000;
        return Err(format!(
            "it has {width} × {height} pixels, and the limit is {most} million"
        ));
    }
    if width.max(height) > LONGEST_TAKEN {
        return Err(format!(
            "it has {width} × {height} pixels, and a side may have {LONGEST_TAKEN}"
        ));
    }
    if kind == PictureType::Jpeg {
        if !has_end(bytes) {
            return Err(broken());
        }
        let scans = scans(bytes);
        if scans.saturating_mul(u64::from(width) * u64::from(height)) > MOST_DRAWN {
            return Err(format!("it would be drawn {scans} times over"));
        }
    }
    let fits = width.max(height) <= LONGEST_SIDE;
    // Also what goes on as it is: a header says nothing about what is behind it.
    let decoded = decoded(bytes, kind)?;
    if fits && !decoded.moves {
        return Ok(Made::AsItIs);
    }
    let mut picture = decoded.picture;
    if !fits {
        picture = smaller(picture);
    }
    picture.apply_orientation(decoded.orientation);
    encoded(&picture, kind)
}

/// Filtering takes 16 bytes for each pixel of the picture's width and the new height, so it is left
/// to pictures that are not much too large; for the others the mean of what falls into a pixel does.
fn smaller(picture: DynamicImage) -> DynamicImage {
    if picture.width().max(picture.height()) < 2 * LONGEST_SIDE {
        picture.resize(LONGEST_SIDE, LONGEST_SIDE, FilterType::Triangle)
    } else {
        picture.thumbnail(LONGEST_SIDE, LONGEST_SIDE)
    }
}

/// How many scans a JPEG has at most: wherever the header of one could stand, one may begin, for its
/// decoder passes over what does not belong there. By chance that stands nowhere, and for a preview only
/// once or a few times.
fn scans(bytes: &[u8]) -> u64 {
    let begins = |header: &&[u8]| {
        // Its length is that of what it says of its components.
        matches!(header, [0xda, 0, length, components @ 1..=4] if *length == 6 + 2 * components)
    };
    bytes.windows(4).filter(begins).count() as u64
}

/// Whether the end of a JPEG is there, of its own and not of a preview in its header. Its decoder makes
/// do with any part of it, which providers do not.
fn has_end(bytes: &[u8]) -> bool {
    let mut at = 2;
    // Segments with their lengths, up to the first scan or to what the decoder may judge.
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4) {
        match marker {
            // A byte that only fills.
            0xff => at += 1,
            0xda => break,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    rest.windows(2).any(|pair| pair == [0xff, 0xd9])
}

fn reader(bytes: &[u8], kind: PictureType) -> ImageReader<Cursor<&[u8]>> {
    let format = match kind {
        PictureType::Jpeg => ImageFormat::Jpeg,
        PictureType::Png => ImageFormat::Png,
        PictureType::Gif => ImageFormat::Gif,
        PictureType::WebP => ImageFormat::WebP,
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    reader
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    limits
}

/// What stands in a picture.
#[derive(Debug)]
struct Decoded {
    /// The pixels of the first frame, as they lie.
    picture: DynamicImage,
    /// How they are turned the right way up.
    orientation: Orientation,
    /// Whether it has more than one frame: models take none of those.
    moves: bool,
}

fn decoded(bytes: &[u8], kind: PictureType) -> Result<Decoded, String> {
    if kind == PictureType::Gif {
        return decoded_gif(bytes);
    }
    let mut decoder = reader(bytes, kind).into_decoder().map_err(|_| broken())?;
    is_held(&decoder)?;
    let orientation = decoder.orientation();
    let picture = DynamicImage::from_decoder(decoder).map_err(|_| broken())?;
    let moves = kind == PictureType::WebP
        && WebPDecoder::new(Cursor::new(bytes)).is_ok_and(|webp| webp.has_animation());
    Ok(Decoded {
        picture,
        orientation: orientation.unwrap_or(Orientation::NoTransforms),
        moves,
    })
}

/// Only a look at its second frame tells whether there is one.
fn decoded_gif(bytes: &[u8]) -> Result<Decoded, String> {
    let mut decoder = GifDecoder::new(Cursor::new(bytes)).map_err(|_| broken())?;
    is_held(&decoder)?;
    decoder.set_limits(limits()).map_err(|_| broken())?;
    let mut frames = decoder.into_frames();
    let first = frames.next().ok_or_else(broken)?.map_err(|_| broken())?;
    let moves = frames.next().is_some();
    Ok(Decoded {
        picture: first.into_buffer().into(),
        orientation: Orientation::NoTransforms,
        moves,
    })
}

/// The limits of a decoder do not hold what it is decoded into.
fn is_held(decoder: &impl ImageDecoder) -> Result<(), String> {
    if decoder.total_bytes() > MOST_MEMORY {
        return Err("it takes too much memory to be made smaller".to_owned());
    }
    Ok(())
}

fn encoded(picture: &DynamicImage, kind: PictureType) -> Result<Made, String> {
    let mut bytes = Vec::new();
    // Only a photo was lossy before, and only a photo has nothing to see through.
    let (mime, done) = if kind == PictureType::Jpeg {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
        let rgb = DynamicImage::ImageRgb8(picture.to_rgb8());
        ("image/jpeg", rgb.write_with_encoder(encoder))
    } else {
        let encoder = PngEncoder::new(&mut bytes);
        let rgba = DynamicImage::ImageRgba8(picture.to_rgba8());
        ("image/png", rgba.write_with_encoder(encoder))
    };
    done.map_err(|_| broken())?;
    Ok(Made::Another { mime, bytes })
}

fn broken() -> String {
    "the picture is damaged".to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::RgbImage;

    use super::*;

    /// A small JPEG that claims to have so many pixels on a side, and has its scan so many times.
    fn jpeg(side: u16, scans: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let small = DynamicImage::ImageRgb8(RgbImage::new(8, 8));
        small
            .write_with_encoder(JpegEncoder::new(&mut bytes))
            .unwrap();
        let find = |bytes: &[u8], marker| {
            let found = bytes.windows(2).position(|pair| pair == [0xff, marker]);
            found.unwrap()
        };
        let size = find(&bytes, 0xc0) + 5;
        for at in [size, size + 2] {
            bytes[at..at + 2].copy_from_slice(&side.to_be_bytes());
        }
        let scan = bytes[find(&bytes, 0xda)..bytes.len() - 2].to_vec();
        bytes.truncate(bytes.len() - 2 - scan.len());
        bytes.extend(scan.repeat(scans));
        bytes.extend([0xff, 0xd9]);
        bytes
    }

    fn with(mut bytes: Vec<u8>, at: usize, more: &[u8]) -> Vec<u8> {
        bytes.splice(at..at, more.iter().copied());
        bytes
    }

    /// A segment that a decoder passes over.
    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], &length[..], content].concat()
    }

    #[test]
    fn a_jpeg_that_is_drawn_again_and_again_is_not_drawn() {
        let bomb = jpeg(7000, 21);
        let second_scan = {
            let scan = |pair: &[u8]| pair == [0xff, 0xda];
            let first = bomb.windows(2).position(scan).unwrap();
            first + 2 + bomb[first + 2..].windows(2).position(scan).unwrap()
        };
        for bomb in [
            with(bomb.clone(), 2, &[0]),
            with(bomb.clone(), second_scan, &segment(0xfe, &[0xff, 0xd9])),
            with(bomb.clone(), second_scan, &[0xff, 0]),
            bomb,
        ] {
            let why = read(&bomb, PictureType::Jpeg).unwrap_err();
            assert_eq!(why, "it would be drawn 21 times over");
        }
    }

    #[test]
    fn a_jpeg_with_a_preview_is_one_that_is_drawn_once_more() {
        let preview = segment(0xe1, &[b"Exif\0\0", &jpeg(8, 1)[..]].concat());
        let photo = with(jpeg(8, 1), 2, &preview);
        assert_eq!(scans(&photo), 2);
        assert!(matches!(read(&photo, PictureType::Jpeg), Ok(Made::AsItIs)));
        let cut_off = &photo[..photo.len() - 2];
        assert!(has_end(&photo) && !has_end(cut_off));
        assert_eq!(read(cut_off, PictureType::Jpeg).unwrap_err(), broken());
    }

    #[test]
    fn a_gif_that_takes_too_much_memory_says_so() {
        let mut bytes = Vec::new();
        let encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
        let small = DynamicImage::ImageRgba8(image::RgbaImage::new(8, 8));
        small.write_with_encoder(encoder).unwrap();
        assert!(read(&bytes, PictureType::Gif).is_ok());
        for at in [6, 8] {
            bytes[at..at + 2].copy_from_slice(&5_001_u16.to_le_bytes());
        }
        let why = read(&bytes, PictureType::Gif).unwrap_err();
        let said = "it has 5001 × 5001 pixels, and the limit is 25 million";
        assert_eq!(why, said);
    }

    /// What a camera writes that was held upright.
    const TURNED: &[u8] =
        b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";

    #[test]
    fn a_large_picture_is_turned_the_right_way_up() {
        let mut bytes = Vec::new();
        let wide = DynamicImage::ImageRgb8(RgbImage::new(2 * LONGEST_SIDE, 64));
        wide.write_with_encoder(JpegEncoder::new(&mut bytes))
            .unwrap();
        bytes.splice(2..2, TURNED.iter().copied());
        let Made::Another { bytes, .. } = read(&bytes, PictureType::Jpeg).unwrap() else {
            unreachable!("it is too large")
        };
        let size = reader(&bytes, PictureType::Jpeg).into_dimensions();
        assert_eq!(size.unwrap(), (32, LONGEST_SIDE));
    }
}
