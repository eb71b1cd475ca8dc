//! Memory for small writes, which a thread lends to the connection that it polls.

use bytes::BytesMut;
use std::cell::Cell;

/// Takes the memory of this thread, or new memory while a connection has it.
#[inline]
pub(super) fn take() -> BytesMut {
    let spare = SPARE.try_with(Cell::take).ok().flatten(); // fails while the thread ends
    spare.unwrap_or_else(|| BytesMut::with_capacity(SIZE))
}

/// Keeps memory for the next connection that is polled in this thread.
#[inline]
pub(super) fn keep(memory: BytesMut) {
    if (SIZE..=MAX_SIZE).contains(&memory.capacity()) {
        let _ = SPARE.try_with(|spare| spare.set(Some(memory)));
    }
}

thread_local! {
    static SPARE: Cell<Option<BytesMut>> = const { Cell::new(None) };
}

/// The size of new memory, in bytes.
const SIZE: usize = 4 * 1024;

/// The largest memory that a thread keeps, in bytes: many small frames have grown it.
const MAX_SIZE: usize = 128 * 1024;
