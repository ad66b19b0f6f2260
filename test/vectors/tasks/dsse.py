"""Writes dsse.json: an envelope and the key it is signed by, both of securesystemslib, around a statement of in-toto-attestation."""
import json
import sys

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf import json_format
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from hashlib import sha256
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, SSlibKey

private = ec.generate_private_key(ec.SECP256R1())
der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
key = SSlibKey.from_crypto(private.public_key(), keyid=sha256(der).hexdigest())
subject = ResourceDescriptor(name="find.returned", digest={"sha256": "a" * 64})
statement = Statement([subject.pb], "https://custody.dev/task-result/v1", {"task": "find", "größe": 7})
statement.validate()
payload = json_format.MessageToJson(statement.pb, indent=None).encode()
envelope = Envelope(payload, "application/vnd.in-toto+json", {})
envelope.sign(CryptoSigner(private, key))
json.dump(
    {"key": der.hex(), "pae": envelope.pae().hex(), "payload": payload.decode(), "envelope": json.dumps(envelope.to_dict())},
    sys.stdout,
    indent=1,
    ensure_ascii=False,
)
