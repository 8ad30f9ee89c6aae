/** The version of the package, as it stands in reports and model files. */
export const VERSION = "0.1.0";
