//! The contents of messages.

use bytes::Bytes;

/// Makes a message that is not all the same byte.
pub(crate) fn payload(size: usize) -> Bytes {
    (0..size).map(|i| (i * 31 + (i >> 8)) as u8).collect()
}

/// Makes records as programs exchange them, as text that can be compressed well, but not too well.
/// The text is always the same.
pub(crate) fn records(size: usize) -> Bytes {
    let mut random = fastrand::Rng::with_seed(7);
    let mut text = String::with_capacity(size + 128);
    while text.len() < size {
        text += &format!(
            "{{\"symbol\":\"{}{}USDT\",\"price\":\"{}.{:04}\",\"side\":\"{}\",\"time\":17{:011}}},",
            random.uppercase(),
            random.uppercase(),
            random.u32(100..99_999),
            random.u32(0..10_000),
            if random.bool() { "buy" } else { "sell" },
            random.u64(0..99_999_999_999),
        );
    }
    text.truncate(size);
    text.into()
}

/// Writes a size as people say it.
pub(crate) fn bytes(size: usize) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..0x10_0000 => format!("{} KiB", size / 1024),
        _ => format!("{} MiB", size / 0x10_0000),
    }
}
