import { createServer, type Server } from 'node:net';

/** Takes mail for any password, and keeps it: as much of SMTP as a client that logs in needs. */
export function startSmtpSink(mails: string[]): Promise<Server> {
  const server = createServer((socket) => {
    let mail: string | undefined;
    let rest = '';
    socket.setEncoding('utf8');
    socket.on('error', () => {});
    socket.write('220 sink\r\n');
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\r\n');
      rest = lines.pop() as string;
      for (const line of lines) {
        if (mail !== undefined && line !== '.') {
          mail += `${line}\n`;
        } else if (mail !== undefined) {
          mails.push(mail);
          mail = undefined;
          socket.write('250 taken\r\n');
        } else if (line.startsWith('EHLO')) socket.write('250-sink\r\n250 AUTH PLAIN\r\n');
        else if (line.startsWith('AUTH')) socket.write('235 welcome\r\n');
        else if (line === 'DATA') {
          mail = '';
          socket.write('354 go on\r\n');
        } else if (line === 'QUIT') socket.end('221 bye\r\n');
        else socket.write('250 ok\r\n');
      }
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}
