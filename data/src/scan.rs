//! Finding a byte in a short text, where calling a library costs more than the search.

#[cfg(target_feature = "sse2")]
use std::arch::x86_64 as sse2;

/// So many bytes are compared together.
const BLOCK: usize = 16;

/// Where `byte` stands first in the text.
#[inline(always)]
pub(crate) fn find(byte: u8, text: &[u8]) -> Option<usize> {
    find_by(text, |block| hits(byte, block), |each| each == byte)
}

/// Where the first byte stands that is none of a host in lower case: no letter, digit, dot or hyphen.
#[inline(always)]
pub(crate) fn find_no_host(text: &[u8]) -> Option<usize> {
    find_by(text, hits_no_host, is_no_host)
}

fn is_no_host(byte: u8) -> bool {
    !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-')
}

/// Where the first byte stands that is looked for: `hits` has a bit for each of a block, `is_hit`
/// is the same of one byte.
#[inline(always)]
fn find_by(
    text: &[u8],
    hits: impl Fn(&[u8; BLOCK]) -> u32,
    is_hit: impl Fn(u8) -> bool,
) -> Option<usize> {
    let hits_of_pair = |pair: &[u8; 2 * BLOCK]| match pair.as_chunks::<BLOCK>() {
        ([low, high], _) => hits(low) | hits(high) << BLOCK,
        _ => 0,
    };
    let mut rest = text;
    while let Some((pair, after)) = rest.split_first_chunk() {
        if let Some(at) = first(hits_of_pair(pair)) {
            return Some(text.len() - rest.len() + at);
        }
        rest = after;
    }
    // What overlaps has been looked at, and has none.
    if let Some(last) = text.last_chunk() {
        return first(hits_of_pair(last)).map(|at| text.len() - 2 * BLOCK + at);
    }
    let (Some(start), Some(last)) = (text.first_chunk(), text.last_chunk()) else {
        return text.iter().position(|byte| is_hit(*byte));
    };
    let in_last = || first(hits(last)).map(|at| text.len() - BLOCK + at);
    first(hits(start)).or_else(in_last)
}

/// The text, where it is nothing but ASCII.
#[inline(always)]
#[allow(unsafe_code, reason = "it has been looked at, byte by byte")]
pub(crate) fn ascii(text: &[u8]) -> Option<&str> {
    // SAFETY: ASCII is UTF-8.
    is_ascii(text).then(|| unsafe { std::str::from_utf8_unchecked(text) })
}

/// Eight bytes at a time, the last eight too (the standard library takes the last few one by one).
#[inline(always)]
fn is_ascii(text: &[u8]) -> bool {
    const NOT_ASCII: u64 = u64::from_ne_bytes([0x80; 8]);
    let Some(last) = text.last_chunk() else { return text.is_ascii() };
    let (words, _) = text.as_chunks();
    let words = words.iter().chain([last]).map(|word| u64::from_ne_bytes(*word));
    words.fold(0, |every, word| every | word) & NOT_ASCII == 0
}

#[inline(always)]
fn first(hits: u32) -> Option<usize> {
    (hits != 0).then(|| hits.trailing_zeros() as usize)
}

/// A bit for each byte of the block that is `byte`.
#[cfg(target_feature = "sse2")]
#[inline(always)]
#[allow(unsafe_code, reason = "SSE2 is part of every x86-64")]
fn hits(byte: u8, block: &[u8; BLOCK]) -> u32 {
    // SAFETY: the processor knows these instructions, or this would not be compiled; the load
    // takes 16 bytes wherever they lie, and the block has them.
    unsafe {
        let block = sse2::_mm_loadu_si128(block.as_ptr().cast());
        let same = sse2::_mm_cmpeq_epi8(block, sse2::_mm_set1_epi8(byte.cast_signed()));
        sse2::_mm_movemask_epi8(same).cast_unsigned()
    }
}

/// A bit for each byte of the block that no host in lower case has.
#[cfg(target_feature = "sse2")]
#[inline(always)]
#[allow(unsafe_code, reason = "SSE2 is part of every x86-64")]
fn hits_no_host(block: &[u8; BLOCK]) -> u32 {
    // SAFETY: as in `hits`.
    let hosts = unsafe {
        let block = sse2::_mm_loadu_si128(block.as_ptr().cast());
        let each = |byte: u8| sse2::_mm_set1_epi8(byte.cast_signed());
        // Bytes are compared with their sign: what is not ASCII is less than anything.
        let within = |low: u8, high: u8| {
            let not_below = sse2::_mm_cmpgt_epi8(block, each(low - 1));
            sse2::_mm_and_si128(not_below, sse2::_mm_cmplt_epi8(block, each(high + 1)))
        };
        let slash = sse2::_mm_cmpeq_epi8(block, each(b'/'));
        let others = sse2::_mm_andnot_si128(slash, within(b'-', b'9'));
        sse2::_mm_movemask_epi8(sse2::_mm_or_si128(within(b'a', b'z'), others))
    };
    !hosts.cast_unsigned() & 0xFFFF
}

#[cfg(not(target_feature = "sse2"))]
fn hits(byte: u8, block: &[u8; BLOCK]) -> u32 {
    each(block, |each| each == byte)
}

#[cfg(not(target_feature = "sse2"))]
fn hits_no_host(block: &[u8; BLOCK]) -> u32 {
    each(block, is_no_host)
}

/// The same for processors without these instructions, byte by byte.
#[cfg(any(test, not(target_feature = "sse2")))]
fn each(block: &[u8; BLOCK], is_hit: impl Fn(u8) -> bool) -> u32 {
    let bits = block.iter().zip(0..).map(|(byte, bit)| u32::from(is_hit(*byte)) << bit);
    bits.fold(0, |hits, bit| hits | bit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_finds_what_memchr_finds(text in prop::collection::vec(0u8..40, 0..70), byte in 0u8..40) {
            prop_assert_eq!(find(byte, &text), memchr::memchr(byte, &text));
        }

        #[test]
        fn a_host_ends_where_a_byte_is_none_of_it(host in "[a-z0-9.-]{0,70}", rest in prop::collection::vec(any::<u8>(), 0..20)) {
            let text = [host.as_bytes(), &rest].concat();
            prop_assert_eq!(find_no_host(&text), text.iter().position(|byte| is_no_host(*byte)));
        }

        #[test]
        fn every_processor_says_the_same(block in any::<[u8; BLOCK]>(), byte in any::<u8>()) {
            prop_assert_eq!(hits(byte, &block), each(&block, |each| each == byte));
            prop_assert_eq!(hits_no_host(&block), each(&block, is_no_host));
        }

        #[test]
        fn ascii_is_what_is_ascii(mut text in prop::collection::vec(0u8..128, 0..70), at in any::<prop::sample::Index>()) {
            prop_assert_eq!(ascii(&text).map(str::as_bytes), Some(text.as_slice()));
            if !text.is_empty() {
                let at = at.index(text.len());
                text[at] |= 0x80;
                prop_assert_eq!(ascii(&text), None);
            }
        }
    }
}
