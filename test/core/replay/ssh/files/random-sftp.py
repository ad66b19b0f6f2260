"""Random work on files by paramiko: argv has the program in place of ssh, a seed and how many operations. Says what it did."""
import hashlib, json, random, socket, subprocess, sys, threading
import paramiko


class Client(paramiko.SFTPClient):
    def _log(self, *said):
        """It would name the channel, and a socket has no name."""


ssh, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rand = random.Random(seed)
ours, theirs = socket.socketpair()
program = subprocess.Popen([ssh, "-s", "host", "sftp"], stdin=theirs, stdout=theirs)
theirs.close()
sftp = Client(ours)
names, did = {}, []


def sha(content):
    return hashlib.sha256(content).hexdigest()


def write(name):
    content = rand.randbytes(rand.choice([0, 1, 100, 40000, 100000]))
    with sftp.open(name, "wb") as file:
        file.set_pipelined(rand.random() < 0.5)
        file.write(content)
    names[name] = content
    did.append(["write", name, sha(content)])


def read(name):
    with sftp.open(name, "rb") as file:
        if rand.random() < 0.5:
            file.prefetch(len(names[name]))
            # Where answers come before it has asked for all, it reads a part twice, which has no digest.
            for asking in set(threading.enumerate()) - {threading.current_thread()}:
                asking.join()
        content = file.read()
    assert content == names[name]
    did.append(["read", name, sha(content)])


def rename(name):
    to = "r%d" % rand.randrange(1 << 30)
    sftp.posix_rename(name, to)
    names[to] = names.pop(name)
    did.append(["rename", name, to])


def remove(name):
    sftp.remove(name)
    del names[name]
    did.append(["remove", name, None])


def chmod(name):
    sftp.chmod(name, 0o600)
    did.append(["setstat", name, None])


for _ in range(count):
    if not names or rand.random() < 0.3:
        write("w%d" % rand.randrange(50))
    else:
        rand.choice([read, read, rename, remove, chmod])(rand.choice(sorted(names)))
sftp.close()
program.wait()
print(json.dumps(did))
