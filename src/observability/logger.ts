import type { LoggerService } from '@nestjs/common';
import pino from 'pino';
import pretty from 'pino-pretty';

// Headers and fields that may hold a credential are masked wherever they stand, one or two levels deep.
const SECRET_FIELDS = ['authorization', 'cookie', 'secret', 'password', 'token', 'apiKey', 'x-api-key', 'headers'];

function destination(format: 'auto' | 'json' | 'pretty') {
  if (format === 'pretty' || (format === 'auto' && process.stdout.isTTY)) {
    return pretty({ ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l', singleLine: true, sync: true });
  }
  // Buffered: a line per delivery must not cost a system call per delivery.
  return pino.destination({ dest: 1, sync: false, minLength: 4096 });
}

/** The process's log: JSON lines, or one readable line each on a terminal. Set up once by `configureLogger`. */
export let logger: pino.Logger = pino({ level: 'silent' });

export function configureLogger(options: { level: string; format: 'auto' | 'json' | 'pretty' }): void {
  const stream = destination(options.format);
  logger = pino(
    {
      level: options.level,
      redact: { paths: SECRET_FIELDS.flatMap((field) => [`["${field}"]`, `*["${field}"]`]), censor: '[secret]' },
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  if ('flush' in stream && typeof stream.flush === 'function') {
    // Buffered lines would otherwise wait for the next 4 KiB.
    setInterval(() => logger.flush(), 1000).unref();
  }
}

/** What Nest itself has to say goes to the same log: its start-up chatter at debug. */
export class NestLogger implements LoggerService {
  log(message: unknown, context?: string) {
    logger.debug({ context }, String(message));
  }
  error(message: unknown, ...rest: unknown[]) {
    logger.error({ detail: rest.map(String) }, String(message));
  }
  warn(message: unknown, context?: string) {
    logger.warn({ context }, String(message));
  }
  debug(message: unknown, context?: string) {
    logger.debug({ context }, String(message));
  }
}
