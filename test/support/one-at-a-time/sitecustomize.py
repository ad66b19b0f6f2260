"""Python runs this before moto: calls of DynamoDB and of S3 take turns.

moto answers on threads, and takes a transaction back by putting the tables as they were before it in the place of what other
threads wrote meanwhile. DynamoDB's transactions and S3's conditional puts are isolated; with turns, the emulator's are too.

And KMS signs a digest as one, where moto would sign the digest of the digest.
"""

import threading

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from moto.dynamodb.responses import DynamoHandler
from moto.kms.responses import KmsResponse
from moto.kms.utils import ECDSAPrivateKey
from moto.s3.responses import S3Response

turn = threading.RLock()


def in_turn(answer):
    def waits(*given, **named):
        with turn:
            return answer(*given, **named)

    return waits


DynamoHandler.call_action = in_turn(DynamoHandler.call_action)
for name in ("_bucket_response", "_key_response"):
    setattr(S3Response, name, in_turn(getattr(S3Response, name)))


asked = threading.local()
sign_for, sign_raw = KmsResponse.sign, ECDSAPrivateKey.sign


def signs(response):
    asked.is_digest = response._get_param("MessageType") == "DIGEST"
    return sign_for(response)


def sign_what_was_asked(key, message, algorithm):
    if not asked.is_digest:
        return sign_raw(key, message, algorithm)
    return key.private_key.sign(message, ec.ECDSA(Prehashed(SHA256())))


KmsResponse.sign = signs
ECDSAPrivateKey.sign = sign_what_was_asked
