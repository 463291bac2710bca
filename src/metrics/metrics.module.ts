import { Module } from '@nestjs/common';
import { MetricsController } from './metrics.controller.js';
import { MetricsService } from './metrics.service.js';
import { MetricsStore } from './metrics.store.js';

/** /metrics, in every process: each counts for itself. */
@Module({ controllers: [MetricsController], providers: [MetricsService, MetricsStore] })
export class MetricsModule {}
