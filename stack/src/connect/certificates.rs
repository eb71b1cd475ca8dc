//! The certificates that the builders add to the TLS settings.

use super::builders::{Connect, ConnectHttp2, ConnectStream, Connector};
use std::path::PathBuf;
use wirestack_tls::Certificates;
use wirestack_websocket::Payload;

macro_rules! certified {
    ($builder:ident $(, $form:ident)?) => {
        impl$(<$form: Payload>)? $builder$(<$form>)? {
            /// Trusts the authorities in this file beside those of the system: for the target, and
            /// for each hop over TLS without whole settings ([`Hop::tls`](crate::dial::Hop::tls)).
            /// The file has many certificates as PEM, or one as DER. It is read when the builder
            /// connects. Together with [`tls`](Self::tls) it is an error.
            ///
            /// ```no_run
            /// # async fn example() -> Result<(), wirestack::dial::DialError> {
            /// let connect = wirestack::connect("wss://example.org/chat");
            /// let socket = connect.ca_file("/etc/corp/ca.pem").await?;
            /// # drop(socket);
            /// # Ok(())
            /// # }
            /// ```
            pub fn ca_file(self, path: impl Into<PathBuf>) -> Self {
                self.certificates(&Certificates::new().ca_file(path))
            }

            /// Shows the certificate in the first file to the target, if it asks for one. The
            /// second file has its private key; it may be the same file. A proxy gets only the
            /// certificate of its own hop: see
            /// [`Hop::client_certificate`](crate::dial::Hop::client_certificate).
            ///
            /// ```
            /// use wirestack::connect;
            ///
            /// // Read when the connection is made.
            /// let chat = connect("wss://chat.corp.test/")
            ///     .ca_file("company.pem")
            ///     .client_certificate("client.pem", "client.key");
            /// drop(chat);
            /// ```
            pub fn client_certificate(
                self,
                chain: impl Into<PathBuf>,
                key: impl Into<PathBuf>,
            ) -> Self {
                self.certificates(&Certificates::new().client_certificate(chain, key))
            }

            /// Adds certificates: authorities to trust, and a certificate of the client, as files
            /// or in memory.
            ///
            /// ```
            /// use wirestack::connect;
            /// use wirestack::tls::Certificates;
            ///
            /// let certificates = Certificates::new().ca_file("company.pem");
            /// drop(connect("wss://chat.corp.test/").certificates(&certificates));
            /// ```
            pub fn certificates(mut self, certificates: &Certificates) -> Self {
                self.spec.certificates = self.spec.certificates.and(certificates);
                self
            }
        }
    };
}
certified!(Connect, F);
certified!(ConnectStream);
certified!(ConnectHttp2);
certified!(Connector);
