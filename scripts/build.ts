import { globSync, rmSync } from "node:fs";

// Makes dist/dozo, the one executable. A worker's file has to be an entry point of its own, or the executable fails to
// find it only when it is started.
const workers = globSync("src/**/*.worker.ts").toSorted();
const outfile = "dist/dozo";
rmSync(outfile, { force: true });
const result = Bun.spawnSync(
  [
    process.execPath,
    "build",
    "--compile",
    "--minify-whitespace",
    "--minify-syntax",
    "--sourcemap=none",
    // All side by side: in the executable every file asks for its workers from the place of main.ts.
    "--entry-naming=[name].[ext]",
    // The executable is the registry alone: no settings of the runtime from the folder it is started in.
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    "src/main.ts",
    ...workers,
    "--outfile",
    outfile,
  ],
  { stdout: "inherit", stderr: "inherit" },
);
process.exitCode = result.exitCode;
