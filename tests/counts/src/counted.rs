//! The part of a run that callgrind counts.

/// Does the work whose instructions count.
#[inline(never)]
pub(crate) fn counted(work: &mut dyn FnMut()) {
    work();
    std::hint::black_box(&work);
}
