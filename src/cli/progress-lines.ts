import { formatBytes, formatDuration } from './amounts.ts';
import { printable, shorten } from './printable.ts';
import { timeLeftMs } from './speed-meter.ts';

/** One transfer as it stands. */
export interface TransferState {
  readonly name: string;
  /** What is being done, where it is not the transfer itself: `hashing`, `checking`. */
  readonly phase: string;
  readonly bytesDone: number;
  readonly bytesTotal: number | undefined;
  readonly bytesPerSecond: number;
}

/** Everything together. */
export interface TotalState {
  readonly filesDone: number;
  readonly bytesDone: number;
  readonly bytesPerSecond: number;
}

const BAR_COLUMNS = 20;
/** `100%  999.9 MiB of 999.9 MiB  999.9 MiB/s  59 min 59 s left` */
const FIGURES_COLUMNS = 62;
const NAME_COLUMNS_MIN = 12;

/** One line for each transfer and, when there are several files, one for all; none wider than `columns`. */
export function progressLines(
  transfers: readonly TransferState[],
  total: TotalState,
  columns: number,
): string[] {
  const lines = transfers.map((transfer) => transferLine(transfer, columns));
  if (total.filesDone + transfers.length > 1) {
    const files = `${total.filesDone} done, ${transfers.length} under way`;
    lines.push(`${files}: ${formatBytes(total.bytesDone)}, ${formatBytes(total.bytesPerSecond)}/s`);
  }
  return lines.map((line) => shorten(line, columns));
}

function transferLine(transfer: TransferState, columns: number): string {
  const spare = columns - FIGURES_COLUMNS;
  const withBar = spare - BAR_COLUMNS - 3 >= NAME_COLUMNS_MIN;
  const nameColumns = Math.max(NAME_COLUMNS_MIN, withBar ? spare - BAR_COLUMNS - 3 : spare);
  const name = shorten(printable(transfer.name), nameColumns).padEnd(nameColumns);
  const bar = withBar && transfer.bytesTotal !== undefined ? `${progressBar(transfer, BAR_COLUMNS)} ` : '';
  return `${name} ${bar}${figures(transfer)}`;
}

/** `[########------------]` */
function progressBar({ bytesDone, bytesTotal = 0 }: TransferState, columns: number): string {
  const filled = Math.floor(fraction(bytesDone, bytesTotal) * columns);
  return `[${'#'.repeat(filled)}${'-'.repeat(columns - filled)}]`;
}

/** `45%  1.2 GiB of 2.6 GiB  118 MiB/s  12 s left` */
export function figures({ phase, bytesDone, bytesTotal, bytesPerSecond }: TransferState): string {
  const parts = [];
  if (bytesTotal === undefined) {
    parts.push(formatBytes(bytesDone));
  } else {
    const percent = Math.floor(fraction(bytesDone, bytesTotal) * 100);
    parts.push(`${percent}%`.padStart(4), `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`);
  }
  parts.push(`${formatBytes(bytesPerSecond)}/s`);
  const leftMs = bytesTotal === undefined ? undefined : timeLeftMs(bytesTotal - bytesDone, bytesPerSecond);
  if (leftMs !== undefined) parts.push(`${formatDuration(leftMs)} left`);
  if (phase !== '') parts.push(`(${phase})`);
  return parts.join('  ');
}

function fraction(done: number, total: number): number {
  return total === 0 ? 1 : Math.min(1, done / total);
}
