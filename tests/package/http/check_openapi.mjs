// SPDX-License-Identifier: MIT
// check_openapi.mjs FOLDER FILE: holds FILE against the schema of OpenAPI, with the validator in FOLDER.
import {pathToFileURL} from "node:url";

const [folder, file] = process.argv.slice(2);
const entry = `${folder}/node_modules/@seriousme/openapi-schema-validator/index.js`;
const {Validator} = await import(pathToFileURL(entry));
const result = await new Validator().validate(file);
if (!result.valid) {
    console.error(result.errors);
    process.exit(1);
}
