import { expect, test } from "vitest";
import { shrinkStyle } from "./shrink-style.ts";

test("comments and needless blanks go, the meaning stays", () => {
  const css = `/* a { } */
a :hover > b , c { color : red ; margin: 0 auto; }
@media (max-width: 60rem) and (min-width: 1px) { d::before { content: "  /* kept */ ; " ; width: calc(1px + 2px) } }`;
  expect(shrinkStyle(css)).toBe(
    'a :hover>b,c{color :red;margin:0 auto}@media (max-width:60rem) and (min-width:1px){d::before{content:"  /* kept */ ; ";width:calc(1px + 2px)}}',
  );
});
