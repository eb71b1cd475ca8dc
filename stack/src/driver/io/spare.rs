//! Memory that a thread lends to the connection that it polls: for small writes, and for large
//! reads.

use crate::driver::runtime::BULK_READ_SIZE;
use bytes::BytesMut;
use std::cell::Cell;
use std::thread::LocalKey;

/// Takes the memory for writes of this thread, or new memory while a connection has it.
#[inline]
pub(super) fn take() -> BytesMut {
    let spare = SMALL.try_with(Cell::take).ok().flatten(); // fails while the thread ends
    spare.unwrap_or_else(|| BytesMut::with_capacity(SIZE))
}

/// Keeps memory for the next connection that is polled in this thread.
#[inline]
pub(super) fn keep(memory: BytesMut) {
    if (SIZE / 2..=MAX_SIZE).contains(&memory.capacity()) {
        put(&SMALL, memory);
    }
}

/// Takes the memory for reads of this thread, or new memory while a connection or a message has it.
pub(super) fn take_large() -> BytesMut {
    let spare = LARGE.try_with(Cell::take).ok().flatten();
    let is_free = |memory: &mut BytesMut| memory.try_reclaim(BULK_READ_SIZE);
    let spare = spare.and_then(|mut memory| is_free(&mut memory).then_some(memory));
    spare.unwrap_or_else(|| BytesMut::with_capacity(BULK_READ_SIZE))
}

/// Keeps memory for the next large read in this thread. Messages may still lie in it.
pub(super) fn keep_large(memory: BytesMut) {
    if memory.capacity() <= MAX_SIZE {
        put(&LARGE, memory);
    }
}

#[inline]
fn put(spare: &'static LocalKey<Cell<Option<BytesMut>>>, memory: BytesMut) {
    let _ = spare.try_with(|spare| spare.set(Some(memory)));
}

thread_local! {
    static SMALL: Cell<Option<BytesMut>> = const { Cell::new(None) };
    static LARGE: Cell<Option<BytesMut>> = const { Cell::new(None) };
}

/// The size of new memory for writes, in bytes.
const SIZE: usize = 4 * 1024;

/// The largest memory of either kind that a thread keeps, in bytes: many small frames or a large
/// unit have grown it.
const MAX_SIZE: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_memory_of_128_kib_and_no_larger_one() {
        let kept = |spare: &'static LocalKey<Cell<Option<BytesMut>>>| {
            spare.take().map_or(0, |memory| memory.capacity())
        };
        for (size, is_kept) in [(131_072, true), (131_073, false)] {
            keep(BytesMut::with_capacity(size));
            keep_large(BytesMut::with_capacity(size));
            let wanted = if is_kept { size } else { 0 };
            assert_eq!((kept(&SMALL), kept(&LARGE)), (wanted, wanted));
        }
        drop(take());
        drop(take_large());
    }
}
