"""Certificates of TLS, signed by an authority of a test's own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Authority:
    """An authority that signs certificates, in a folder."""

    folder: Path
    name: str

    def __post_init__(self) -> None:
        self.folder.mkdir()
        key = ec.generate_private_key(ec.SECP256R1())
        object.__setattr__(self, "_key", key)
        self._write("authority", key, self._signed(self.name, key, is_authority=True))

    @property
    def file(self) -> Path:
        return self.folder / "authority.pem"

    def certificate(self, name: str, days: int = 1) -> tuple[Path, Path]:
        """Sign a certificate for this machine; return its file and that of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._write(name, key, self._signed(name, key, days=days))

    def _signed(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        *,
        is_authority: bool = False,
        days: int = 1,
    ) -> x509.Certificate:
        own: ec.EllipticCurvePrivateKey = self._key  # type: ignore[attr-defined]
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
                critical=False,
            )
        )
        return builder.sign(own, hashes.SHA256())

    def _write(
        self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
    ) -> tuple[Path, Path]:
        files = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files
