//! What is measured, with everybody who takes part.

use bench_harness::{FLOOR, Item, OURS};

use crate::contender::{add_protect, add_unprotect};
use crate::floor::Floor;
use crate::ours::Ours;
use crate::packets::{Profile, Shape};
#[cfg(feature = "peers")]
use crate::peers;

/// Every profile, every shape of packet, both directions.
pub(crate) fn items() -> Vec<Item> {
    let mut items = Vec::new();
    for profile in Profile::ALL {
        for (label, shape) in Shape::ALL {
            let rtcp = if shape.is_rtcp() { "rtcp " } else { "" };
            let name = profile.name();
            items.push(protect(
                format!("{name} {rtcp}protect {label}"),
                profile,
                shape,
            ));
            items.push(unprotect(
                format!("{name} {rtcp}unprotect {label}"),
                profile,
                shape,
            ));
        }
    }
    items
}

fn protect(name: String, profile: Profile, shape: Shape) -> Item {
    let mut item = Item::new(name);
    add_protect::<Ours>(&mut item, OURS, profile, shape);
    add_protect::<Floor>(&mut item, FLOOR, profile, shape);
    #[cfg(feature = "peers")]
    peers::add_protect(&mut item, profile, shape);
    item
}

/// The peers open what our crate has sealed: each item shows as well that they understand each other.
fn unprotect(name: String, profile: Profile, shape: Shape) -> Item {
    let mut item = Item::new(name);
    add_unprotect::<Ours, Ours>(&mut item, OURS, profile, shape);
    add_unprotect::<Floor, Floor>(&mut item, FLOOR, profile, shape);
    #[cfg(feature = "peers")]
    peers::add_unprotect(&mut item, profile, shape);
    item
}
