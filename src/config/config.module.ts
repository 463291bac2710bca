import { type DynamicModule, Module } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { Config } from './env.js';

/** The settings and the clock, everywhere injectable. Tests pass their own of both. */
@Module({})
export class ConfigModule {
  static with(config: Config, clock: Clock): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [
        { provide: Config, useValue: config },
        { provide: Clock, useValue: clock },
      ],
      exports: [Config, Clock],
    };
  }
}
