//! Any typed attribute: made of the one table of them.

macro_rules! attributes {
    ($($module:ident: $name:ident $(<$lifetime:lifetime>)?;)*) => {
        $(pub use $module::$name;)*

        /// An attribute of any type, read by it.
        ///
        /// ```
        /// # use stun_codec::{attribute::AnyAttribute, DecodeError, Message};
        /// fn show(datagram: &[u8]) -> Result<(), DecodeError> {
        ///     let message = Message::parse(datagram)?;
        ///     for attribute in message.attributes() {
        ///         match AnyAttribute::read(attribute, message.transaction_id())? {
        ///             AnyAttribute::XorMappedAddress(mapped) => println!("seen as {}", mapped.0),
        ///             other => println!("{other:?}"),
        ///         }
        ///     }
        ///     Ok(())
        /// }
        /// ```
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub enum AnyAttribute<'a> {
            $(
                #[doc = concat!("See [`", stringify!($name), "`].")]
                $name($name $(<$lifetime>)?),
            )*
            /// One that has no type here, and those that [`Builder`](crate::Builder) makes.
            Other(RawAttribute<'a>),
        }

        impl<'a> AnyAttribute<'a> {
            /// Reads an attribute of a message with this id.
            ///
            /// # Errors
            ///
            /// The value is not what the type says.
            pub fn read(
                raw: RawAttribute<'a>,
                transaction_id: TransactionId,
            ) -> Result<Self, DecodeError> {
                match raw.attribute_type {
                    $($name::TYPE => $name::decode(raw.value, transaction_id).map(Self::$name),)*
                    _ => Ok(Self::Other(raw)),
                }
            }
        }

        impl Encode for AnyAttribute<'_> {
            fn attribute_type(&self) -> AttributeType {
                match self {
                    $(Self::$name(attribute) => attribute.attribute_type(),)*
                    Self::Other(attribute) => attribute.attribute_type(),
                }
            }

            fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
                match self {
                    $(Self::$name(attribute) => attribute.encode(value),)*
                    Self::Other(attribute) => attribute.encode(value),
                }
            }
        }
    };
}

pub(super) use attributes;
