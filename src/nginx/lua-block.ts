// Where a `…_by_lua_block { … }` ends. Goodgate runs no Lua, but a configuration that has some must be readable:
// the braces are balanced as Lua sees them, so those in strings and comments do not count (Lua 5.1 §2.1).

const TOKEN = /--\[(=*)\[|--[^\n]*|\[(=*)\[|"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?|[{}]/g;

/** Offset of the `}` that closes the block whose program begins at `from`; -1 = there is none. */
export function endOfLuaBlock(text: string, from: number): number {
  const token = new RegExp(TOKEN);
  token.lastIndex = from;
  let depth = 1;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const [part, commentLevel, stringLevel] = match;
    const level = commentLevel ?? stringLevel;
    if (level !== undefined) {
      const close = `]${level}]`;
      const end = text.indexOf(close, token.lastIndex);
      if (end === -1) return -1;
      token.lastIndex = end + close.length;
    } else if (part === "{") depth += 1;
    else if (part === "}") {
      depth -= 1;
      if (depth === 0) return match.index;
    }
  }
  return -1;
}
