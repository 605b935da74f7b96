/** Pieces of shell, taken into the program as text. */
declare module "*.sh" {
  const text: string;
  export = text;
}

/** The same for PowerShell. */
declare module "*.ps1" {
  const text: string;
  export = text;
}
