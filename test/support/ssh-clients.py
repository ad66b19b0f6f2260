"""`LIBRARY PORT USER HOST_KEY_LINE COMMAND`, the token in CUSTODY_TEST_TOKEN: runs a command with a token as the password."""
import asyncio, base64, os, sys

library, port, user, host_key, command = sys.argv[1:]
token = os.environ["CUSTODY_TEST_TOKEN"]


def with_paramiko():
    import paramiko

    client = paramiko.SSHClient()
    key = paramiko.Ed25519Key(data=base64.b64decode(host_key.split(" ")[1]))
    client.get_host_keys().add(f"[127.0.0.1]:{port}", "ssh-ed25519", key)
    client.connect("127.0.0.1", int(port), user, token, allow_agent=False, look_for_keys=False)
    _, out, _ = client.exec_command(command)
    said = out.read()
    code = out.channel.recv_exit_status()
    client.close()
    return said, code


async def with_asyncssh():
    import asyncssh

    known = asyncssh.import_known_hosts(f"[127.0.0.1]:{port} {host_key}\n")
    async with asyncssh.connect(
        "127.0.0.1", int(port), username=user, password=token, known_hosts=known,
        config=None, client_keys=None, agent_path=None,
        preferred_auth="password",
    ) as connection:
        ran = await connection.run(command, encoding=None)
        return ran.stdout, ran.exit_status


said, code = with_paramiko() if library == "paramiko" else asyncio.run(with_asyncssh())
sys.stdout.buffer.write(said)
sys.exit(code)
