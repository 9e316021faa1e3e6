import { expect, test } from "vitest";
import { formatNginx } from "./format.ts";
import { parseNginx } from "./parse.ts";
import { makeSource } from "./source.ts";

const format = (text: string): string | null => formatNginx(parseNginx(makeSource("nginx.conf", text)));

test("one directive a line, four spaces a block, at most one empty line, comments where they were", () => {
  const text = `


# first
# second
user  www	www; # behind
http {   # opening


  # in the block
  log_format  main '$remote_addr'   # who
     '"$request"'
       "x";
  if ($a = "b"){return 200 'a
b';}
  types { a/b  c d;

   } # behind the block
  location / { } location /x{# only a comment
  }
  content_by_lua_block { a = {1,
      2} }
  # at the end

}
# the last`;
  expect(format(text)).toBe(`# first
# second
user www www; # behind
http { # opening
    # in the block
    log_format main '$remote_addr' # who
        '"$request"'
        "x";
    if ($a = "b") {
        return 200 'a
b';
    }
    types {
        a/b c d;
    } # behind the block
    location / {}
    location /x { # only a comment
    }
    content_by_lua_block { a = {1,
      2} }
    # at the end
}
# the last
`);
});

test.each([
  ["", ""],
  ["\n\n", ""],
  ["#a", "#a\n"],
  ["events{}", "events {}\n"],
  ["a\n;", "a;\n"],
  ["a b # c\n;", "a b # c\n    ;\n"],
  ["a;\r\n\r\n\r\nb;\r\n", "a;\n\nb;\n"],
])("%j", (text, formatted) => {
  expect(format(text)).toBe(formatted);
});

test("what has mistakes is not formatted", () => {
  expect(format("a { b;")).toBeNull();
});
