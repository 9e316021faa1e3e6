// `npm run build`: packages, then dist/ from scratch. npm runs it before packing, too.
import { build, installPackages, root } from "./prepare.mjs";

if (!((await installPackages(root)) && (await build({ force: true })))) process.exitCode = 1;
