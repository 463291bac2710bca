import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { AppError } from '../core/errors.js';
import { HotPool } from '../database/hot-pool.js';
import { Public } from '../tenants/access.decorator.js';

const DATABASE_TIMEOUT_MS = 2000;

@ApiTags('Health')
@Controller('health')
export class HealthController {
  constructor(private readonly hot: HotPool) {}

  /** The process runs. */
  @Get('live')
  @Public()
  live() {
    return { status: 'ok' };
  }

  /** A request would succeed: the database answers. The queue is not asked for, deliveries do without it. */
  @Get('ready')
  @Public()
  async ready() {
    const timeout = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error('no answer in time')), DATABASE_TIMEOUT_MS).unref();
    });
    try {
      await Promise.race([this.hot.query('ready', 'select 1 from tenants limit 1', []), timeout]);
    } catch (error) {
      throw new AppError('unavailable', { detail: `The database does not answer: ${(error as Error).message}` });
    }
    return { status: 'ready' };
  }
}
