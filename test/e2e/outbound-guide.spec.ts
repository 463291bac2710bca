import { testGuide } from '../support/pasted-guide.js';

await testGuide('docs/guides/outbound.md');
