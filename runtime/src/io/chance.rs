//! What chance can give.

/// What chance can give: whole numbers over their whole range, `bool`, floats from 0 (included) to 1 (not),
/// arrays and tuples of these. Not to be implemented elsewhere.
pub trait Random: Sized + Send {
    #[doc(hidden)]
    const BYTES: usize;

    #[doc(hidden)]
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

macro_rules! whole {
    ($($ty:ty),*) => {
        $(impl Random for $ty {
            const BYTES: usize = size_of::<$ty>();

            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(<$ty>::from_le_bytes)
            }
        })*
    };
}

whole!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128);

impl Random for bool {
    const BYTES: usize = 1;

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        u8::from_bytes(bytes).map(|byte| byte & 1 == 1)
    }
}

impl Random for f64 {
    const BYTES: usize = 8;

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // As many steps as a float has bits for, all alike.
        u64::from_bytes(bytes).map(|word| (word >> 11) as f64 / (1u64 << 53) as f64)
    }
}

impl Random for f32 {
    const BYTES: usize = 4;

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        u32::from_bytes(bytes).map(|word| (word >> 8) as f32 / (1u32 << 24) as f32)
    }
}

impl<T: Random, const N: usize> Random for [T; N] {
    const BYTES: usize = N * T::BYTES;

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let items: Option<Vec<T>> = bytes.chunks(T::BYTES.max(1)).map(T::from_bytes).collect();
        items?.try_into().ok()
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: Random),*> Random for ($($name,)*) {
            const BYTES: usize = 0 $(+ $name::BYTES)*;

            #[allow(unused_assignments, reason = "nothing follows the last one")]
            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                let mut rest = bytes;
                Some(($({
                    let (own, behind) = rest.split_at_checked($name::BYTES)?;
                    rest = behind;
                    $name::from_bytes(own)?
                },)*))
            }
        }
    };
}

tuples!(A B);
tuples!(A B C);
tuples!(A B C D);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_values_are_made_of_their_bytes_and_of_no_others() {
        assert_eq!(<[u16; 2]>::from_bytes(&[1, 0, 2, 0]), Some([1, 2]));
        assert_eq!(<(bool, u16)>::from_bytes(&[3, 2, 1]), Some((true, 258)));
        assert_eq!(u32::from_bytes(&[1, 2, 3]), None);
        assert_eq!(<[u8; 3]>::from_bytes(&[1, 2]), None);
        assert_eq!(f64::from_bytes(&[255; 8]), Some(1.0 - f64::EPSILON / 2.0));
        assert_eq!(f32::from_bytes(&[0; 4]), Some(0.0));
        assert!(f32::from_bytes(&[255; 4]).is_some_and(|most| most < 1.0));
    }
}
