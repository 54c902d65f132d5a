//! Pictures: how large they are, and small ones of them. Decoders see what strangers send, so they get little to work with.

use std::io::{BufRead, Cursor, Seek};

use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, ImageResult, Limits, codecs::jpeg::JpegEncoder,
    metadata::Orientation,
};
use tidings_domain::attachment::Dimensions;

/// A longer file is not looked at: some decoders take all of it into memory.
pub const MAX_LOOKED_AT_BYTES: u64 = 32 * 1024 * 1024;
/// No side of a picture that is looked at is longer.
const MAX_SIDE: u32 = 20_000;
/// As many pixels as the best cameras make. A few bytes can claim many more.
const MAX_PIXELS: u64 = 64_000_000;
/// What decoding may take, the picture itself included.
const MAX_DECODED_BYTES: u64 = 256 * 1024 * 1024;
/// The longer side of a small picture.
const THUMBNAIL_SIDE: u32 = 320;
/// Enough for a small picture.
const JPEG_QUALITY: u8 = 80;

/// What was seen of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// As it is to be shown: turned as its camera says.
    pub dimensions: Dimensions,
    /// The small one.
    pub thumbnail: Small,
}

/// A small picture, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Small {
    /// In its media type's form.
    pub bytes: Vec<u8>,
    /// `image/jpeg`, or `image/png` where one can see through it.
    pub media_type: &'static str,
    /// How large it is.
    pub dimensions: Dimensions,
}

/// Looks at a file of this type. None when it is no picture, of a form that is not looked at, or too much: it is a file like
/// any other then. Takes long; to be called where that does not matter.
pub fn look(file: impl BufRead + Seek, media_type: &str) -> Option<Picture> {
    let format = match media_type {
        "image/png" => ImageFormat::Png,
        "image/jpeg" => ImageFormat::Jpeg,
        "image/gif" => ImageFormat::Gif,
        "image/webp" => ImageFormat::WebP,
        _ => return None,
    };
    match decode(file, format) {
        Ok(Some((picture, dimensions))) => small(&picture).map(|thumbnail| Picture { dimensions, thumbnail }),
        Ok(None) => None,
        Err(error) => {
            tracing::debug!(%error, media_type, "a picture cannot be looked at");
            None
        }
    }
}

/// The first picture of the file, no larger than needed, and how large the whole is; none when it is too large.
fn decode(file: impl BufRead + Seek, format: ImageFormat) -> ImageResult<Option<(DynamicImage, Dimensions)>> {
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    let mut reader = ImageReader::with_format(file, format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS || decoder.total_bytes() > MAX_DECODED_BYTES {
        return Ok(None);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let whole = DynamicImage::from_decoder(decoder)?;
    let mut shown =
        if width.max(height) > THUMBNAIL_SIDE { whole.thumbnail(THUMBNAIL_SIDE, THUMBNAIL_SIDE) } else { whole };
    shown.apply_orientation(orientation);
    let (width, height) = if is_quarter_turn(orientation) { (height, width) } else { (width, height) };
    Ok(Some((shown, Dimensions { width, height })))
}

const fn is_quarter_turn(orientation: Orientation) -> bool {
    match orientation {
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH => {
            true
        }
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => false,
    }
}

fn small(picture: &DynamicImage) -> Option<Small> {
    let pixels = picture.to_rgba8();
    let mut bytes = Vec::new();
    let (media_type, written) = if pixels.pixels().any(|pixel| pixel.0[3] < u8::MAX) {
        ("image/png", pixels.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png))
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
        ("image/jpeg", DynamicImage::from(pixels).to_rgb8().write_with_encoder(encoder))
    };
    let dimensions = Dimensions { width: picture.width(), height: picture.height() };
    written.ok().map(|()| Small { bytes, media_type, dimensions })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    use image::{Frame, Rgba, RgbaImage, codecs::gif::GifEncoder};

    fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    fn seen(bytes: &[u8], media_type: &str) -> Option<Picture> {
        look(Cursor::new(bytes), media_type)
    }

    fn size(width: u32, height: u32) -> Dimensions {
        Dimensions { width, height }
    }

    #[test]
    fn a_picture_gets_a_small_one_of_the_same_shape() {
        let picture = DynamicImage::from(RgbaImage::from_pixel(640, 400, Rgba([9, 99, 199, 255])));
        for (format, media_type) in
            [(ImageFormat::Png, "image/png"), (ImageFormat::WebP, "image/webp"), (ImageFormat::Gif, "image/gif")]
        {
            let seen = seen(&written(&picture, format), media_type).unwrap();
            assert_eq!((seen.dimensions, seen.thumbnail.dimensions), (size(640, 400), size(320, 200)), "{media_type}");
            assert_eq!(seen.thumbnail.media_type, "image/jpeg");
            assert!(seen.thumbnail.bytes.starts_with(b"\xff\xd8"));
        }
        let photo = DynamicImage::from(picture.to_rgb8());
        assert_eq!(seen(&written(&photo, ImageFormat::Jpeg), "image/jpeg").unwrap().dimensions, size(640, 400));
    }

    #[test]
    fn a_moving_picture_is_shown_by_its_first_and_what_is_clear_stays_clear() {
        let mut bytes = Vec::new();
        let frames = [[255, 0, 0, 255], [0, 255, 0, 255]].map(|colour| RgbaImage::from_pixel(8, 4, Rgba(colour)));
        GifEncoder::new(&mut bytes).encode_frames(frames.map(Frame::new)).unwrap();
        let seen_gif = seen(&bytes, "image/gif").unwrap();
        assert_eq!((seen_gif.dimensions, seen_gif.thumbnail.dimensions), (size(8, 4), size(8, 4)));
        let small = image::load_from_memory(&seen_gif.thumbnail.bytes).unwrap().to_rgb8();
        assert!(small.get_pixel(0, 0).0[0] > 200 && small.get_pixel(0, 0).0[1] < 60);
        let clear = DynamicImage::from(RgbaImage::from_pixel(4, 4, Rgba([1, 2, 3, 0])));
        assert_eq!(seen(&written(&clear, ImageFormat::Png), "image/png").unwrap().thumbnail.media_type, "image/png");
    }

    #[test]
    fn a_few_bytes_that_claim_a_giant_are_not_decoded() {
        let mut bomb = written(&DynamicImage::new_luma8(1, 1), ImageFormat::Png);
        // width and height of the header, with its checksum left wrong and right: neither gets anywhere
        bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        assert_eq!(seen(&bomb, "image/png"), None);
        let mut gif = written(&DynamicImage::new_rgba8(1, 1), ImageFormat::Gif);
        gif[6..10].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
        assert_eq!(seen(&gif, "image/gif"), None);
        let wide = DynamicImage::new_luma8(MAX_SIDE + 1, 1);
        assert_eq!(seen(&written(&wide, ImageFormat::Png), "image/png"), None);
    }

    /// A chunk of a PNG file with its checksum.
    fn chunk(name: &[u8], data: &[u8]) -> Vec<u8> {
        let named = [name, data].concat();
        let mut checksum = flate2::Crc::new();
        checksum.update(&named);
        let length = u32::try_from(data.len()).unwrap();
        [&length.to_be_bytes(), named.as_slice(), &checksum.sum().to_be_bytes()].concat()
    }

    /// So many zeros, deflated to a thousandth.
    fn zeros(mebibytes: usize) -> Vec<u8> {
        let mut deflated = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..mebibytes {
            deflated.write_all(&vec![0; 1024 * 1024]).unwrap();
        }
        deflated.finish().unwrap()
    }

    fn peak_memory_mib() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
    }

    #[test]
    fn what_unpacks_to_very_much_takes_little_memory() {
        let header = |side: u32| [&side.to_be_bytes(), side.to_be_bytes().as_slice(), &[8, 0, 0, 0, 0]].concat();
        let magic = b"\x89PNG\r\n\x1a\n".as_slice();
        let zeros = zeros(1_024);
        let profile = [b"p\0\0".as_slice(), &zeros].concat();
        let text = [b"t\0\0".as_slice(), &zeros].concat();
        let pixels = chunk(b"IDAT", &zeros);
        let before = peak_memory_mib();
        for (side, bomb) in [(8, chunk(b"iCCP", &profile)), (8, chunk(b"zTXt", &text)), (100, Vec::new())] {
            let file = [magic, &chunk(b"IHDR", &header(side)), &bomb, &pixels, &chunk(b"IEND", b"")].concat();
            assert!(file.len() < 3 * 1024 * 1024);
            if let Some(picture) = seen(&file, "image/png") {
                assert_eq!(picture.dimensions, size(side, side));
            }
        }
        let taken = peak_memory_mib() - before;
        assert!(taken < 400, "{taken} MiB");
    }

    #[test]
    fn what_is_no_picture_is_not_taken_for_one() {
        let png = written(&DynamicImage::new_luma8(9, 9), ImageFormat::Png);
        assert_eq!(seen(&png[..png.len() / 2], "image/png"), None);
        assert_eq!(seen(b"<html>", "image/png"), None);
        assert_eq!(seen(&png, "text/html"), None);
    }
}
