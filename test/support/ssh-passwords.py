"""`HOST_KEY_FILE PASSWORD METHOD`: a server that takes one password, by `password` or by `keyboard-interactive`. Prints its port."""
import asyncio, sys
import asyncssh

host_key, password, method = sys.argv[1:]


class Server(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return method == "password"

    def validate_password(self, username, given):
        return given == password

    def kbdint_auth_supported(self):
        return method == "keyboard-interactive"

    def get_kbdint_challenge(self, username, lang, submethods):
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username, responses):
        return responses == [password]


def work(process):
    process.stdout.write("hello\n")
    process.exit(0)


async def main():
    server = await asyncssh.create_server(
        Server, "127.0.0.1", 0, server_host_keys=[host_key], process_factory=work
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.wait_closed()


asyncio.run(main())
