import { expect, test } from 'vitest';
import { LongshoreError } from '../../src/errors.ts';
import { createLogger } from '../../src/telemetry/log.ts';

const ID = '01m7vsc66x43whgmykz35gw0ej';

test('the name of an upload is in no line, though it be part of a path, a message or a cause', () => {
  const lines: string[] = [];
  const log = createLogger('info', { write: (line: string) => void lines.push(line) });
  const disk = new Error(`write /data/uploads/${ID}/content: No space left on device`);
  log.info({ err: new LongshoreError('STORAGE_FULL', 'There is no room.', { cause: disk }) }, 'full');
  log.warn({ uploadId: ID, upload: `tenants/t/uploads/${ID}` }, `name must not be tenants/t/uploads/${ID}`);
  expect(lines).toHaveLength(2);
  for (const line of lines) {
    expect(line).not.toContain(ID);
    expect(line).toContain('[secret]');
    expect(JSON.parse(line)).toMatchObject({ service: 'longshore' });
  }
  expect(lines[0]).toContain('/data/uploads/[secret]/content: No space left on device');
});
