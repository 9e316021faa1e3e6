// What failures show together: each pattern is looked for by itself, in each group of views that tell of the same traffic.
// The order is that of what they say: why before who before when.
import type { LogPattern } from "./model.ts";
import { turnPatterns } from "./patterns/after-turn.ts";
import { durationPatterns } from "./patterns/durations.ts";
import { idlePatterns } from "./patterns/idle-gap.ts";
import { memberPatterns } from "./patterns/members.ts";
import { pathPatterns } from "./patterns/one-path.ts";
import { chainPatterns, pairPatterns } from "./patterns/pairs.ts";
import { type Story, storyOf } from "./patterns/story.ts";
import { timePatterns } from "./patterns/when.ts";
import type { Traffic } from "./traffic.ts";

const FINDERS: readonly ((story: Story) => LogPattern[])[] = [
  memberPatterns,
  turnPatterns,
  idlePatterns,
  durationPatterns,
  pairPatterns,
  chainPatterns,
  pathPatterns,
  timePatterns,
];
const PATTERNS_MAX = 60;

/** All patterns, those that say most first. */
export function patternsOf({ groups, turns }: Traffic): LogPattern[] {
  const found: LogPattern[] = [];
  for (const group of groups) {
    const story = storyOf(group, turns);
    // Requests that another member saved did not fail, and tell of one that did.
    const all = story ? FINDERS.flatMap((find) => find(story)) : group.length > 0 ? savedOnly(group) : [];
    found.push(...all);
  }
  return found.slice(0, PATTERNS_MAX);
}

function savedOnly(views: Story["views"]): LogPattern[] {
  const [failing] = views;
  if (!failing) return [];
  const story: Story = { views, failing, timed: [], asked: failing, fromMs: 0, toMs: 0, turns: [] };
  return [...memberPatterns(story), ...chainPatterns(story)];
}
