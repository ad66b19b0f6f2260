"""Python runs this before moto: calls of DynamoDB and of S3 take turns.

moto answers on threads, and takes a transaction back by putting the tables as they were before it in the place of what other
threads wrote meanwhile. DynamoDB's transactions and S3's conditional puts are isolated; with turns, the emulator's are too.
"""

import threading

from moto.dynamodb.responses import DynamoHandler
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
