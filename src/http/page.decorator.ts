import type { Type } from '@nestjs/common';
import { ApiOkResponse, ApiProperty } from '@nestjs/swagger';

const pages = new Map<Type, Type>();

/**
 * Documents what a list answers, `{data: View[], nextCursor}`, under the name `<Thing>Page`: a generic `Page<View>` has no
 * class that could be introspected.
 */
export function ApiPage(view: Type): MethodDecorator {
  const page = pages.get(view) ?? pageClass(view);
  pages.set(view, page);
  return ApiOkResponse({ type: page });
}

function pageClass(view: Type): Type {
  class PageOfView {}
  Object.defineProperty(PageOfView, 'name', { value: `${view.name.replace(/View$/, '')}Page` });
  ApiProperty({ type: [view] })(PageOfView.prototype, 'data');
  const description = 'Give it as `cursor` to get the next page; null on the last.';
  ApiProperty({ type: String, nullable: true, description })(PageOfView.prototype, 'nextCursor');
  return PageOfView;
}
