//! A queue beside a plain list.

use wirestack_layer::{ByteSize, End, Error, Flow, Queue};

#[derive(Clone, Debug, PartialEq, Eq)]
struct Item(u32);

impl ByteSize for Item {
    fn byte_size(&self) -> usize {
        self.0 as usize % 50
    }
}

#[test]
fn a_queue_does_what_a_plain_list_does() {
    let mut limit = 100;
    let mut queue = Queue::with_limit(limit);
    let mut list: Vec<Item> = Vec::new();
    let mut random = 0x2545_f491_u32;
    for step in 0..5000 {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        let before = queue.revision();
        let moves = match random % 64 {
            0 => {
                queue.discard();
                u64::from(!std::mem::take(&mut list).is_empty())
            }
            1..4 => {
                limit = random as usize % 1000;
                queue.set_limit(limit);
                0
            }
            n if n % 2 == 0 => {
                queue.push(Item(random));
                list.push(Item(random));
                1
            }
            _ => {
                let first = (!list.is_empty()).then(|| list.remove(0));
                assert_eq!(queue.pop(), first, "step {step}");
                u64::from(first.is_some())
            }
        };
        let size: usize = list.iter().map(ByteSize::byte_size).sum();
        assert_eq!(queue.revision(), before + moves, "step {step}");
        assert_eq!((queue.len(), queue.byte_size()), (list.len(), size));
        assert_eq!(queue.is_empty(), list.is_empty());
        assert_eq!(Flow::is_empty(&queue), list.is_empty());
        assert_eq!(queue.front(), list.first());
        assert!(queue.iter().eq(&list), "step {step}");
        assert_eq!(queue.room(), limit.saturating_sub(size));
    }
}

#[test]
fn a_queue_has_one_end_behind_its_items() {
    let mut queue = Queue::default();
    assert_eq!(queue.room(), 256 * 1024);
    queue.push(Item(7));
    let before = queue.revision();
    assert!(queue.closed().is_none());
    queue.finish();
    queue.abort(Error::peer("test", "too late"));
    assert_eq!(queue.revision(), before + 1);
    assert!(matches!(queue.closed(), Some(End::Finished)));
    assert_eq!(queue.pop(), Some(Item(7)));
}

#[test]
fn a_queue_that_is_stopped_once_takes_no_more_items() {
    let mut queue = Queue::with_limit(1000);
    queue.push(Item(1));
    let before = queue.revision();
    for reason in ["enough", "again"] {
        queue.stop(Error::local("test", reason).into());
    }
    queue.push(Item(2));
    assert_eq!(queue.revision(), before + 1);
    assert_eq!(queue.stopped().unwrap().to_string(), "test: enough");
    assert!(queue.iter().eq(&[Item(1)]));
}
