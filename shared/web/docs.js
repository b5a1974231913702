// Starts Swagger UI on the contract of the service that the page came from.
const place = document.getElementById("docs");
SwaggerUIBundle({
  url: place.dataset.contract,
  domNode: place,
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null, // which would send the contract to swagger.io
});
