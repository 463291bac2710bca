import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import type { Page } from '../http/pagination.dto.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { BookingQuery, BookingView, CreateBooking, ReopenBooking, UpdateBooking } from './booking.dto.js';
import { BookingService } from './booking.service.js';
import { CurrentOrigin } from './change-origin.decorator.js';
import type { ChangeOrigin } from './domain-change.js';

@ApiTags('Bookings')
@Controller('api/v1/bookings')
export class BookingController {
  constructor(private readonly bookings: BookingService) {}

  /** Create a booking of a contact. Told as `booking.created`. */
  @Post()
  @RequireScope('data:write')
  @Audited('booking.created')
  create(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Body() input: CreateBooking,
  ): Promise<BookingView> {
    return this.bookings.create(tenantId, origin, input);
  }

  /** List bookings, newest first. */
  @Get()
  @RequireScope('data:read')
  @ApiPage(BookingView)
  list(@CurrentTenant() tenantId: string, @Query() query: BookingQuery): Promise<Page<BookingView>> {
    return this.bookings.list(tenantId, query);
  }

  /** Show a booking. */
  @Get(':id')
  @RequireScope('data:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<BookingView> {
    return this.bookings.get(tenantId, id);
  }

  /** Change, confirm, reschedule, cancel or complete a booking; absent fields stay as they are. Told as `booking.updated`, `booking.cancelled`, `booking.completed`. */
  @Patch(':id')
  @RequireScope('data:write')
  @Audited('booking.updated')
  update(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Body() input: UpdateBooking,
  ): Promise<BookingView> {
    return this.bookings.update(tenantId, origin, id, input);
  }

  /** Open a booking again that was cancelled or completed. */
  @Post(':id/reopen')
  @HttpCode(200)
  @RequireScope('data:write')
  @Audited('booking.reopened')
  reopen(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Body() input: ReopenBooking,
  ): Promise<BookingView> {
    return this.bookings.reopen(tenantId, origin, id, input);
  }

  /** Delete a booking. One that was still to come is told as `booking.cancelled`. */
  @Delete(':id')
  @HttpCode(204)
  @RequireScope('data:write')
  @Audited('booking.deleted')
  delete(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
  ): Promise<void> {
    return this.bookings.delete(tenantId, origin, id);
  }
}
