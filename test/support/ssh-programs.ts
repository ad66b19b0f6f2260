/** Programs that a test runs at the target: files whose text stands here. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Resizes its own terminal under `ssh -tt`, and says what the far side made of it: `python3 FILE rows columns ssh…`. */
const RESIZED = `
import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
said = b''
while b'ready' not in said:
    said += os.read(terminal, 4096)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', int(sys.argv[1]), int(sys.argv[2]), 0, 0))
try:
    while True:
        more = os.read(terminal, 4096)
        if not more:
            break
        said += more
except OSError:
    pass
os.waitpid(pid, 0)
sys.stdout.buffer.write(said)
`;

/** A client of X11 with the cookie that it finds: says what the display answers. */
const X_CLIENT = `
import os, socket, struct, subprocess
display = os.environ['DISPLAY']
number = int(display.split(':')[1].split('.')[0])
cookie = bytes.fromhex(subprocess.check_output(['xauth', 'list', display]).split()[-1].decode())
name = b'MIT-MAGIC-COOKIE-1'
setup = struct.pack('<BxHHHHxx', ord('l'), 11, 0, len(name), len(cookie)) + name + b'\\0\\0' + cookie
display = socket.create_connection(('localhost', 6000 + number))
display.sendall(setup)
print(display.recv(100).decode())
`;

const PROGRAMS = { resized: RESIZED, xClient: X_CLIENT } as const;

/** The path of the program in the folder, for python3. */
export function pythonProgram(folder: string, name: keyof typeof PROGRAMS): string {
  const file = join(folder, `${name}.py`);
  writeFileSync(file, PROGRAMS[name]);
  chmodSync(file, 0o755);
  return file;
}
