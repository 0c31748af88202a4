"""What first boot writes into a certificate request: Puppet's trusted extensions."""

from cryptography import x509
from cryptography.x509.oid import NameOID

# https://www.puppet.com/docs/puppet/7/ssl_attributes_extensions.html
EXTENSIONS = {
    x509.ObjectIdentifier(f"1.3.6.1.4.1.34380.1.1.{number}"): name
    for number, name in {
        2: "pp_instance_id",
        12: "pp_environment",
        13: "pp_role",
        20: "pp_zone",
    }.items()
}
UTF8_STRING = 0x0C
IA5_STRING = 0x16
SHORTEST_LONG_FORM = 0x80


def trusted_extensions(signed: x509.CertificateSigningRequest | x509.Certificate) -> dict[str, str]:
    """Return the values of our extensions by name, without those that are absent."""
    values = {}
    for extension in signed.extensions:
        if name := EXTENSIONS.get(extension.oid):
            assert isinstance(extension.value, x509.UnrecognizedExtension)
            values[name] = _text(extension.value.value)
    return values


def common_name(signed: x509.CertificateSigningRequest | x509.Certificate) -> str:
    """Return the name that a request or certificate is for."""
    names = signed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else ""


def _text(der: bytes) -> str:
    """Decode a DER string of up to 127 bytes, as Puppet writes it. Raises ValueError."""
    if len(der) < 2 or der[0] not in (UTF8_STRING, IA5_STRING) or der[1] >= SHORTEST_LONG_FORM:
        raise ValueError("an extension is no short string")
    if der[1] != len(der) - 2:
        raise ValueError("an extension has a wrong length")
    return der[2:].decode()
